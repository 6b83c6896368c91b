"""The writer: groups, answers after COMMIT, and what becomes of errors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from edge_app.store.failure import DiskFullError, WriterFailedError
from edge_app.store.writer import WAL_LIMIT_BYTES, Writer
from tests.edge_app.store.made import WAIT_S


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.sqlite"


@pytest.fixture
def writer(path: Path) -> Iterator[Writer]:
    writer = Writer(path)
    yield writer
    writer.close()


def note(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT INTO audit (when_ms, action, by, detail) VALUES (0, 'note', '', ?)", (text,))


def notes(path: Path) -> list[str]:
    connection = sqlite3.connect(str(path))
    try:
        return [text for (text,) in connection.execute("SELECT detail FROM audit ORDER BY id")]
    finally:
        connection.close()


def disk_io_error(_connection: sqlite3.Connection) -> NoReturn:
    raise sqlite3.OperationalError("disk I/O error")


def held(writer: Writer) -> threading.Event:
    """Keep the writer's thread inside a job until the event is set, so that jobs gather behind it."""
    go_on, is_running = threading.Event(), threading.Event()

    def wait(_connection: sqlite3.Connection) -> None:
        is_running.set()
        go_on.wait(WAIT_S)

    writer.submit(wait)
    is_running.wait(WAIT_S)
    return go_on


def test_an_answer_means_that_others_can_read_it(writer: Writer, path: Path) -> None:
    for number in range(5):
        writer.submit(lambda connection, number=number: note(connection, str(number))).result(WAIT_S)  # type: ignore[misc]
        assert notes(path) == [str(i) for i in range(number + 1)]


def test_what_waits_is_committed_together_and_in_order(writer: Writer, path: Path) -> None:
    commits: list[str] = []
    writer._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    go_on = held(writer)
    futures = [
        writer.submit(lambda connection, number=number: note(connection, str(number)))  # type: ignore[misc]
        for number in range(40)
    ]
    assert not any(future.done() for future in futures)
    go_on.set()
    for future in futures:
        future.result(WAIT_S)
    assert notes(path) == [str(number) for number in range(40)]
    assert 2 <= len(commits) <= 4  # at most 32 a transaction; the held job may be one of its own


def test_a_job_that_fails_undoes_itself_alone(writer: Writer, path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        note(connection, "bad")
        raise ValueError("no")

    go_on = held(writer)
    before = writer.submit(lambda connection: note(connection, "before"))
    bad = writer.submit(fail)
    after = writer.submit(lambda connection: note(connection, "after"))
    go_on.set()
    before.result(WAIT_S)
    after.result(WAIT_S)
    with pytest.raises(ValueError, match="no"):
        bad.result(WAIT_S)
    assert notes(path) == ["before", "after"]


def test_a_full_disk_refuses_and_recovers(writer: Writer, path: Path) -> None:
    def fill(connection: sqlite3.Connection) -> None:
        note(connection, "x" * 10**6)

    def limit(connection: sqlite3.Connection, num_pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count={num_pages}")

    num_pages = writer.submit(lambda c: c.execute("PRAGMA page_count").fetchone()[0]).result(WAIT_S)
    writer.submit(lambda connection: limit(connection, num_pages)).result(WAIT_S)
    with pytest.raises(DiskFullError, match="the disk is full: nothing was stored; free some space"):
        writer.submit(fill).result(WAIT_S)
    writer.submit(lambda connection: limit(connection, 10**6)).result(WAIT_S)
    writer.submit(fill).result(WAIT_S)
    assert writer.failure is None
    assert [len(text) for text in notes(path)] == [10**6]


def test_after_a_disk_error_nothing_more_is_taken(writer: Writer, path: Path) -> None:
    writer.submit(lambda connection: note(connection, "safe")).result(WAIT_S)
    go_on = held(writer)
    same = writer.submit(lambda connection: note(connection, "same transaction"))
    broken = writer.submit(disk_io_error)
    waiting = writer.submit(lambda connection: note(connection, "waiting"))
    go_on.set()
    for future in (same, broken, waiting):
        with pytest.raises(WriterFailedError, match=r"disk I/O error.*restart the server"):
            future.result(WAIT_S)
    with pytest.raises(WriterFailedError, match="disk I/O error"):
        writer.submit(lambda connection: note(connection, "later")).result(WAIT_S)
    assert writer.failure is not None
    assert notes(path) == ["safe"]


def test_a_cancelled_job_does_not_run(writer: Writer, path: Path) -> None:
    go_on = held(writer)
    cancelled = writer.submit(lambda connection: note(connection, "cancelled"))
    last = writer.submit(lambda connection: note(connection, "last"))
    assert cancelled.cancel()
    go_on.set()
    last.result(WAIT_S)
    assert notes(path) == ["last"]


def test_closing_finishes_what_was_taken_and_writes_the_log_back(path: Path) -> None:
    writer = Writer(path)
    futures = [writer.submit(lambda connection: note(connection, "x")) for _ in range(100)]
    writer.close()
    assert [future.result(0) for future in futures] == [None] * 100
    assert not path.with_name(path.name + "-wal").exists()
    with pytest.raises(WriterFailedError, match="the store is closed"):
        writer.submit(lambda connection: note(connection, "x")).result(WAIT_S)


def test_the_log_stays_small_and_shrinks_again_after_a_reader_held_it(writer: Writer, path: Path) -> None:
    log = path.with_name(path.name + "-wal")

    def churn() -> None:
        def rewrite(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM audit")
            for _ in range(300):
                note(connection, "x" * 5000)

        for _ in range(20):
            writer.submit(rewrite).result(WAIT_S)

    churn()
    assert log.stat().st_size <= WAL_LIMIT_BYTES
    reader = sqlite3.connect(str(path), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT COUNT(*) FROM audit").fetchone()
    churn()
    assert log.stat().st_size > WAL_LIMIT_BYTES  # the reader's snapshot is needed
    reader.close()
    churn()
    assert log.stat().st_size <= WAL_LIMIT_BYTES
