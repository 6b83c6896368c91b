"""SIGKILL at any moment, and a disk that fails: what was acknowledged is there."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from edge_app.store.writer import Writer
from tests.edge_app.store.surviving import assert_integrity, assert_nothing_lost, crashing, lines_of

ROUNDS = 100


def test_nothing_acknowledged_is_lost_in_a_hundred_kills(tmp_path: Path) -> None:
    lines = lines_of(crashing("fork", tmp_path, ROUNDS, 1))
    assert lines[-1] == "end"
    acknowledged = lines[:-1]
    assert (
        len({line.split("-")[0] for line in acknowledged}) == ROUNDS
    )  # each child was acknowledged something
    assert "not stored" not in acknowledged
    assert assert_nothing_lost(tmp_path, acknowledged) >= len(acknowledged)
    names = [path.name for path in (tmp_path / "files").rglob("*.*")]
    assert len(names) == len(set(names))


def strace(inject: str) -> list[str]:
    """Return the command that injects a fault into the calls of every thread."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed")
    call = inject.split(":", 1)[0]
    command = [program, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]
    if lines_of([program, "-f", "-qq", "-o", "/dev/null", "/bin/echo", "traced"]) != ["traced"]:
        pytest.skip("strace may not trace here")
    return command


def rows_of(path: Path) -> list[str]:
    connection = sqlite3.connect(str(path))
    try:
        return [text for (text,) in connection.execute("SELECT detail FROM audit ORDER BY id")]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("changes", "number"), [*((1000, n) for n in range(7, 15)), *((1, n) for n in range(9, 23))]
)
def test_a_kill_at_any_write_of_a_commit_loses_nothing_acknowledged(
    tmp_path: Path, changes: int, number: int
) -> None:
    """The n-th write of a connection that opens and commits (and writes its log back, where changes is 1)."""
    path = tmp_path / "results.sqlite"
    Writer(path).close()
    lines = lines_of(
        crashing("rows", path, 1000, changes, before=strace(f"pwrite64:signal=KILL:when={number}"))
    )
    assert "999" not in lines  # it was killed
    acknowledged = [line for line in lines if line != "open"]
    assert rows_of(path)[: len(acknowledged)] == acknowledged == [str(n) for n in range(len(acknowledged))]
    assert_integrity(path)
    Writer(path).close()


def test_a_sync_that_fails_acknowledges_nothing_and_stops_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    Writer(path).close()
    lines = lines_of(crashing("rows", path, 10, 1000, before=strace("fdatasync:error=EIO:when=6")))
    acknowledged = [line for line in lines if line.isdigit()]
    failed = [line for line in lines if line.startswith("failed")]
    assert acknowledged == [str(n) for n in range(len(acknowledged))]
    assert len(acknowledged) + len(failed) == 10
    assert len(acknowledged) > 0
    assert len(failed) > 1  # the sync would work again, and is not trusted
    assert all("disk I/O error" in line and "restart the server" in line for line in failed)
    assert rows_of(path)[: len(acknowledged)] == acknowledged
    assert_integrity(path)
