"""The tables of the product, as migrations that are applied in order and never changed once released.

Source: facts edge_reliability, section 1. The SQL runs on SQLite 3.22 (Ubuntu 18.04).

A result's filterable words (source, lot, model, outcome) are stored once, in `groups`. `rollup` has a row for
every hour and group: the statistics, kept longer than results; it tells a query in which hours to look.
"""

import sqlite3
from typing import Iterator, List, Sequence

from edge_app.outbox.schema import OUTBOX_DDL
from inspector.errors import StorageError

RESULTS_DDL = """
CREATE TABLE groups (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    lot TEXT NOT NULL,
    model_digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    UNIQUE (source, lot, model_digest, outcome)
);
CREATE INDEX groups_by_lot ON groups (lot);

CREATE TABLE results (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- a number is never given twice
    id TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    image_score REAL,
    decision INTEGER NOT NULL DEFAULT 0,    -- 0 none, 1 good, 2 defect, 3 unsure: the last of `decisions`
    disagrees INTEGER NOT NULL DEFAULT 0,   -- 1: the shadow model's outcome was another one
    photo_bytes INTEGER NOT NULL DEFAULT 0, -- 0: there is no file
    score_bytes INTEGER NOT NULL DEFAULT 0,
    lost INTEGER NOT NULL DEFAULT 0,        -- 1: a file that should be there is missing
    media_type TEXT NOT NULL,
    detail TEXT NOT NULL                    -- JSON: what no query asks for
);
CREATE INDEX results_by_time ON results (created_ms, seq, group_id, image_score, decision, disagrees);
CREATE INDEX results_by_group ON results (group_id, created_ms, seq, image_score, decision, disagrees);
CREATE INDEX results_by_score ON results (image_score, created_ms, seq, group_id, decision, disagrees);
CREATE INDEX results_decided ON results (decision, created_ms, seq, group_id, image_score, disagrees)
    WHERE decision > 0;
CREATE INDEX results_disagreed ON results (created_ms, seq, group_id, image_score, decision, disagrees)
    WHERE disagrees = 1;

CREATE TABLE totals (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    num_results INTEGER NOT NULL,
    num_bytes INTEGER NOT NULL              -- of the files
);
INSERT INTO totals VALUES (1, 0, 0);

CREATE TABLE rollup (
    hour_ms INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    num INTEGER NOT NULL,
    num_decided INTEGER NOT NULL,
    num_scored INTEGER NOT NULL,
    sum_score REAL NOT NULL,
    num_timed INTEGER NOT NULL,
    sum_latency_ms REAL NOT NULL,
    score_bits INTEGER NOT NULL,            -- bit n: a score in [n / 32, (n + 1) / 32) was there
    PRIMARY KEY (hour_ms, group_id)
) WITHOUT ROWID;

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    result_seq INTEGER NOT NULL,
    decision TEXT NOT NULL,
    by TEXT NOT NULL,
    when_ms INTEGER NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX decisions_by_result ON decisions (result_seq);

CREATE TABLE threshold_versions (
    model_digest TEXT NOT NULL,
    version INTEGER NOT NULL,
    fail REAL NOT NULL,
    review REAL NOT NULL,
    min_area_px INTEGER NOT NULL,
    by TEXT NOT NULL,
    when_ms INTEGER NOT NULL,
    PRIMARY KEY (model_digest, version)
);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    when_ms INTEGER NOT NULL,
    action TEXT NOT NULL,
    by TEXT NOT NULL,
    detail TEXT NOT NULL
);
"""

# The database's user_version is the number of entries that were applied. Add entries at the end only.
MIGRATIONS: Sequence[str] = (RESULTS_DDL, OUTBOX_DDL)


def migrate(
    connection: sqlite3.Connection, *, name: str = "the database", migrations: Sequence[str] = MIGRATIONS
) -> None:
    """Apply the entries that this database lacks, each in a transaction with its new version number.

    Raises:
        StorageError: a newer version of this software wrote the database. It is left as it is.
        sqlite3.Error: an entry could not be applied; the database is as after the entry before it.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(migrations):
        raise StorageError(
            f"{name} has schema version {version}, but this version of visual-inspector knows only "
            f"{len(migrations)}: a newer one wrote it. Install that one again, or choose another state folder"
        )
    for index in range(version, len(migrations)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(migrations[index]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={index + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _statements(script: str) -> Iterator[str]:
    """Split a script; `executescript` would commit the transaction that it runs in."""
    lines: List[str] = []
    for line in script.splitlines():
        lines.append(line)
        statement = "\n".join(lines)
        if sqlite3.complete_statement(statement):
            yield statement
            lines = []
