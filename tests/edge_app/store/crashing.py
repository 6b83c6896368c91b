"""Programs that the crash tests run and kill: each says on stdout what has been acknowledged to it.

python -m tests.edge_app.store.crashing results FOLDER NUM
    stores results with files and prints the id of each that was acknowledged.
python -m tests.edge_app.store.crashing fork FOLDER ROUNDS SEED
    does that in ROUNDS children, one after the other, each killed by SIGKILL at a random time.
python -m tests.edge_app.store.crashing rows FILE NUM CHANGES
    writes audit entries, one a transaction, and prints the number of each that was acknowledged; the log is
    written back after CHANGES of them.
python -m tests.edge_app.store.crashing careless FOLDER NUM
    what the store must not be: no fsync of files, synchronous=NORMAL.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np

from edge_app.store import Store
from edge_app.store import writer as writer_module
from edge_app.store.audit import insert_entry
from edge_app.store.failure import WriterFailedError
from edge_app.store.writer import Writer
from tests.edge_app.store.made import KEEP_ALL, made

PHOTO_BYTES = 5000
SCORE = np.random.default_rng(0).random((16, 16), dtype=np.float32)


def photo_of(result_id: str) -> bytes:
    """Return the photo that belongs to an id: what comes back can be checked."""
    return (result_id.encode() * PHOTO_BYTES)[:PHOTO_BYTES]


def say(descriptor: int, text: str) -> None:
    os.write(descriptor, f"{text}\n".encode())


def write_results(folder: Path, num: int, descriptor: int) -> None:
    store = Store.open(folder, policy=KEEP_ALL)
    for number in range(num):
        result_id = f"p{os.getpid()}-{number}"
        result = made(id=result_id, data=photo_of(result_id), score=SCORE, created_ms=int(time.time() * 1000))
        if number % 4:  # the others are written with their row
            store.begin(result_id, result.created_ms, result.photo, map_hw=(16, 16))
            store.begin_score(result_id, SCORE)
        future = store.add(result)
        future.add_done_callback(
            lambda done, result_id=result_id: say(
                descriptor, result_id if done.result().stored else "not stored"
            )  # type: ignore[misc]
        )
        if number % 3 == 2:
            future.result()
    store.close()


def fork_and_kill(folder: Path, rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(rounds):
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            write_results(folder, 1_000_000, write_end)
            os._exit(0)
        os.close(write_end)
        acknowledged = read_some(read_end, rng.randrange(1, 12))
        time.sleep(rng.random() * 0.01)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while data := os.read(read_end, 65536):  # what it said before it died
            acknowledged += data
        os.close(read_end)
        os.write(1, acknowledged)
    say(1, "end")


def read_some(descriptor: int, num_lines: int) -> bytes:
    data = b""
    while data.count(b"\n") < num_lines:
        more = os.read(descriptor, 4096)
        if not more:
            break
        data += more
    return data


def write_rows(path: Path, num: int, changes: int) -> None:
    writer_module.CHECKPOINT_CHANGES = changes
    writer = Writer(path)
    say(1, "open")
    for number in range(num):
        future = writer.submit(
            lambda connection, number=number: insert_entry(  # type: ignore[misc]
                connection, action="row", by="test", detail=str(number), when_ms=0
            )
        )
        try:
            future.result()
        except WriterFailedError as error:
            say(1, f"failed: {error}")
            continue
        say(1, str(number))
    writer.close()


def write_carelessly(folder: Path, num: int) -> None:
    connection = sqlite3.connect(str(folder / "careless.sqlite"), isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE rows (id TEXT)")
    for number in range(num):
        (folder / f"{number}.jpg").write_bytes(bytes(PHOTO_BYTES))
        connection.execute("INSERT INTO rows VALUES (?)", (str(number),))
        say(1, str(number))
    time.sleep(600)


def main() -> None:
    what, path, *numbers = sys.argv[1:]
    if what == "results":
        write_results(Path(path), int(numbers[0]), 1)
    elif what == "fork":
        fork_and_kill(Path(path), int(numbers[0]), int(numbers[1]))
    elif what == "rows":
        write_rows(Path(path), int(numbers[0]), int(numbers[1]))
    elif what == "careless":
        write_carelessly(Path(path), int(numbers[0]))


if __name__ == "__main__":
    main()
