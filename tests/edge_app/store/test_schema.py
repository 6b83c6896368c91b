"""Migrations: applied once, in order, each whole or not at all; never backwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.store.schema import MIGRATIONS, migrate
from edge_app.store.writer import Writer
from inspector.errors import StorageError

FIRST = "CREATE TABLE a (x INTEGER); -- a comment; with a semicolon\nINSERT INTO a VALUES (1);\n"
SECOND = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 5;"
BAD = "CREATE TABLE b (x INTEGER);\nINSERT INTO missing VALUES (1);"


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_entries_are_applied_once_and_in_order(database: sqlite3.Connection) -> None:
    migrate(database, migrations=[FIRST])
    migrate(database, migrations=[FIRST, SECOND])
    migrate(database, migrations=[FIRST, SECOND])
    assert database.execute("SELECT x, y FROM a").fetchall() == [(1, 5)]
    assert version_of(database) == 2


def test_an_entry_that_fails_leaves_nothing_behind(database: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
        migrate(database, migrations=[FIRST, BAD])
    assert version_of(database) == 1
    assert database.execute("SELECT name FROM sqlite_master WHERE name = 'b'").fetchall() == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    connection = sqlite3.connect(str(path))
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    message = rf"results.sqlite has schema version {len(MIGRATIONS) + 1}, .* Install that one again"
    with pytest.raises(StorageError, match=message):
        Writer(path)
    connection = sqlite3.connect(str(path))
    assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError, match=r"cannot use .*results.sqlite: file is .*not a database"):
        Writer(path)
