"""What must be true after any crash."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_app.store import ResultFilter, Store
from tests.edge_app.store.crashing import SCORE, photo_of
from tests.edge_app.store.made import KEEP_ALL

ROOT = Path(__file__).parents[3]


def crashing(*arguments: object, before: Sequence[str] = ()) -> list[str]:
    """Return the command that runs one of the crashing programs, `before` in front of it."""
    python = str(Path(sys.executable).resolve())  # strace must see the interpreter and not a shim
    return [*before, python, "-m", "tests.edge_app.store.crashing", *map(str, arguments)]


def lines_of(command: list[str], *, timeout_s: float = 120) -> list[str]:
    """Run a command to its end, whatever that is, and return the whole lines it printed."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": ":".join([str(ROOT), *sys.path]),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, timeout=timeout_s, check=False
    )
    return done.stdout.decode().split("\n")[:-1]


def assert_integrity(path: Path) -> None:
    connection = sqlite3.connect(str(path))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def assert_nothing_lost(folder: Path, acknowledged: Sequence[str]) -> int:
    """Check that all acknowledged results are there and no row lacks its file; return the number of rows."""
    assert_integrity(folder / "results.sqlite")
    store = Store.open(folder, policy=KEEP_ALL)
    try:
        stored = {item.id: item for item in store.iterate(ResultFilter())}
        assert set(acknowledged) <= set(stored)
        for result_id, item in stored.items():
            assert (item.has_photo, item.has_score) == (True, True)
            assert store.photo(result_id) == (photo_of(result_id), "image/jpeg")
            assert np.array_equal(store.score(result_id), SCORE)  # type: ignore[arg-type]
        counted = store.statistics(from_ms=0, to_ms=2**45, bucket="day")
        assert sum(sum(bucket.counts.values()) for bucket in counted) == len(stored)
        assert store.status().num_results == len(stored)
    finally:
        store.close()
    return len(stored)
