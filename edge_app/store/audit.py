"""The audit log: who did what, when. Bounded, the oldest entries go."""

import sqlite3
from typing import Optional

from edge_app.store.filters import decode_cursor, encode_cursor
from edge_app.store.records import AuditEntry, AuditPage

MAX_ENTRIES = 100_000


def insert_entry(connection: sqlite3.Connection, *, action: str, by: str, detail: str, when_ms: int) -> None:
    """Store an entry and drop the one that is too many."""
    number = connection.execute(
        "INSERT INTO audit (when_ms, action, by, detail) VALUES (?, ?, ?, ?)", (when_ms, action, by, detail)
    ).lastrowid
    assert number is not None
    connection.execute("DELETE FROM audit WHERE id <= ?", (number - MAX_ENTRIES,))


def read_page(connection: sqlite3.Connection, *, cursor: Optional[str], limit: int) -> AuditPage:
    """Return entries, newest first.

    Raises:
        InputError: the cursor is not one of ours.
    """
    before = 2**63 - 1 if cursor is None else decode_cursor(cursor).seq
    rows = connection.execute(
        "SELECT id, when_ms, action, by, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
        (before, limit + 1),
    ).fetchall()
    items = tuple(AuditEntry(*row) for row in rows[:limit])
    return AuditPage(items, encode_cursor((0, items[-1].id)) if len(rows) > limit else None)
