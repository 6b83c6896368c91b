"""The queue: rows of the store's database. Every function runs inside somebody's transaction.

In order per destination, by id.
"""

import sqlite3
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence

COLUMNS = "id, destination, kind, rank, created_ms, num_bytes, body"


@dataclass(frozen=True)
class Row:
    """A waiting message."""

    id: int
    kind: str
    body: str
    num_rejections: int


@dataclass(frozen=True)
class DeadLetter:
    """A message that its receiver refused for good. Times are wall clock, UTC."""

    id: int
    kind: str
    created_ms: int
    died_ms: int
    reason: str
    body: str


@dataclass(frozen=True)
class Totals:
    """What waits for a destination, and what was dropped for lack of room since ever."""

    num_waiting: int = 0
    num_bytes: int = 0
    num_dropped: int = 0


def insert(
    connection: sqlite3.Connection, destination: str, *, kind: str, rank: int, created_ms: int, body: str
) -> int:
    """Append a message and return its id, which no other message ever had."""
    num_bytes = len(body.encode())
    cursor = connection.execute(
        "INSERT INTO outbox (destination, kind, rank, created_ms, num_bytes, body) VALUES (?, ?, ?, ?, ?, ?)",
        (destination, kind, rank, created_ms, num_bytes, body),
    )
    count(connection, destination, num_waiting=1, num_bytes=num_bytes)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def take(connection: sqlite3.Connection, destination: str, *, limit: int) -> List[Row]:
    """Return the oldest waiting messages; they stay in the queue."""
    rows = connection.execute(
        "SELECT id, kind, body, num_rejections FROM outbox WHERE destination = ? ORDER BY id LIMIT ?",
        (destination, limit),
    )
    return [Row(*row) for row in rows]


def remove(connection: sqlite3.Connection, row_id: int) -> None:
    """Take a message out that was delivered. One that is not there is not an error."""
    found = connection.execute("SELECT destination, num_bytes FROM outbox WHERE id = ?", (row_id,)).fetchone()
    if found is not None:
        connection.execute("DELETE FROM outbox WHERE id = ?", (row_id,))
        count(connection, found[0], num_waiting=-1, num_bytes=-found[1])


def count_rejection(connection: sqlite3.Connection, row_id: int) -> None:
    """Remember that the receiver refused a message once more."""
    connection.execute("UPDATE outbox SET num_rejections = num_rejections + 1 WHERE id = ?", (row_id,))


def bury(connection: sqlite3.Connection, row_id: int, *, reason: str, died_ms: int) -> None:
    """Move a message to the dead ones."""
    connection.execute(
        f"INSERT INTO outbox_dead ({COLUMNS}, died_ms, reason) "
        f"SELECT {COLUMNS}, ?, ? FROM outbox WHERE id = ?",
        (died_ms, reason, row_id),
    )
    remove(connection, row_id)


def requeue(
    connection: sqlite3.Connection, destination: str, *, row_ids: Optional[Sequence[int]] = None
) -> int:
    """Put dead messages, all or those named, back; return how many. They keep their ids, and so go first."""
    dead = connection.execute(
        f"SELECT {COLUMNS} FROM outbox_dead WHERE destination = ?", (destination,)
    ).fetchall()
    wanted = None if row_ids is None else set(row_ids)
    chosen = [row for row in dead if wanted is None or row[0] in wanted]
    for row in chosen:
        connection.execute("DELETE FROM outbox_dead WHERE id = ?", (row[0],))
        connection.execute(f"INSERT INTO outbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(row))
        count(connection, destination, num_waiting=1, num_bytes=row[5])
    return len(chosen)


def discard(connection: sqlite3.Connection, destination: str) -> None:
    """Forget everything about a destination that is no longer configured."""
    for table in ("outbox", "outbox_dead", "outbox_totals"):
        connection.execute(f"DELETE FROM {table} WHERE destination = ?", (destination,))


def totals(connection: sqlite3.Connection) -> Dict[str, Totals]:
    """Return what waits for each destination that ever had a message."""
    rows = connection.execute("SELECT destination, num_waiting, num_bytes, num_dropped FROM outbox_totals")
    return {row[0]: Totals(row[1], row[2], row[3]) for row in rows}


def oldest_ms(connection: sqlite3.Connection, destination: str) -> Optional[int]:
    """Return when the message at the head of the queue was made, wall clock."""
    row = connection.execute(
        "SELECT created_ms FROM outbox WHERE destination = ? ORDER BY id LIMIT 1", (destination,)
    ).fetchone()
    return None if row is None else int(row[0])


def num_dead(connection: sqlite3.Connection, destination: str) -> int:
    """Return how many messages the receiver refused for good."""
    row = connection.execute(
        "SELECT COUNT(*) FROM outbox_dead WHERE destination = ?", (destination,)
    ).fetchone()
    return int(row[0])


def dead_letters(
    connection: sqlite3.Connection, destination: str, *, limit: int, after_id: int = 0
) -> List[DeadLetter]:
    """Return dead messages with ids above `after_id`, oldest first."""
    rows = connection.execute(
        "SELECT id, kind, created_ms, died_ms, reason, body FROM outbox_dead "
        "WHERE destination = ? AND id > ? ORDER BY id LIMIT ?",
        (destination, after_id, limit),
    )
    return [DeadLetter(*row) for row in rows]


def count(
    connection: sqlite3.Connection,
    destination: str,
    *,
    num_waiting: int = 0,
    num_bytes: int = 0,
    num_dropped: int = 0,
) -> None:
    """Keep the totals: what came, went or was dropped in this transaction."""
    changed = connection.execute(
        "UPDATE outbox_totals SET num_waiting = num_waiting + ?, num_bytes = num_bytes + ?, "
        "num_dropped = num_dropped + ? WHERE destination = ?",
        (num_waiting, num_bytes, num_dropped, destination),
    ).rowcount
    if changed == 0:  # no UPSERT before SQLite 3.24
        connection.execute(
            "INSERT INTO outbox_totals (destination, num_waiting, num_bytes, num_dropped) "
            "VALUES (?, ?, ?, ?)",
            (destination, num_waiting, num_bytes, num_dropped),
        )
