"""Makes room in a full queue: drops what the rules name first, and leaves a record of what is missing.

Rows up to `claimed` may be on their way and are neither dropped nor changed, so that no message is both
delivered and counted as missing.
"""

import sqlite3
from typing import Optional, Sequence, Tuple

from edge_app.outbox import queue
from edge_app.outbox.message import GAP, gap_body
from edge_app.outbox.rules import DEAD_DROP_ORDER, GAP_RANK, WAITING_DROP_ORDER, QueueLimits, is_full

MAX_DROPS_A_CALL = 200  # limits that were lowered are reached by and by: no insert may take long


def make_room(connection: sqlite3.Connection, destination: str, *, limits: QueueLimits, claimed: int) -> int:
    """Drop what the limits ask for, say so in a gap record, and return how many messages went."""
    for num_dropped in range(MAX_DROPS_A_CALL):
        now = queue.totals(connection).get(destination, queue.Totals())
        if not is_full(now.num_waiting, now.num_bytes, limits):
            return num_dropped
        victim = _oldest(connection, "outbox", destination, WAITING_DROP_ORDER, above=claimed)
        if victim is None:
            return num_dropped
        queue.remove(connection, victim[0])
        _add_to_gap(connection, destination, victim, claimed=claimed)
    return MAX_DROPS_A_CALL


def make_room_for_dead(
    connection: sqlite3.Connection, destination: str, *, limits: QueueLimits, claimed: int
) -> int:
    """Drop dead messages above `limits.max_dead`, never a FAIL; return how many went."""
    for num_dropped in range(MAX_DROPS_A_CALL):
        if queue.num_dead(connection, destination) <= limits.max_dead:
            return num_dropped
        victim = _oldest(connection, "outbox_dead", destination, DEAD_DROP_ORDER, above=0)
        if victim is None:
            return num_dropped
        connection.execute("DELETE FROM outbox_dead WHERE id = ?", (victim[0],))
        if victim[1] != GAP:
            _add_to_gap(connection, destination, victim, claimed=claimed)
    return MAX_DROPS_A_CALL


_Victim = Tuple[int, str, int, str]  # id, kind, created_ms, body


def _oldest(
    connection: sqlite3.Connection, table: str, destination: str, ranks: Sequence[int], *, above: int
) -> Optional[_Victim]:
    for rank in ranks:
        row = connection.execute(
            f"SELECT id, kind, created_ms, body FROM {table} "
            "WHERE destination = ? AND rank = ? AND id > ? ORDER BY id LIMIT 1",
            (destination, rank, above),
        ).fetchone()
        if row is not None:
            return (row[0], row[1], row[2], row[3])
    return None


def _add_to_gap(connection: sqlite3.Connection, destination: str, dropped: _Victim, *, claimed: int) -> None:
    """Count a dropped message in the newest gap record not on its way, or in a new one in its place."""
    row_id, _kind, created_ms, body = dropped
    gap = connection.execute(
        "SELECT id, body, num_bytes FROM outbox WHERE destination = ? AND rank = ? AND id > ? "
        "ORDER BY id DESC LIMIT 1",
        (destination, GAP_RANK, claimed),
    ).fetchone()
    after = gap_body(None if gap is None else gap[1], dropped=body, created_ms=created_ms)
    size = len(after.encode())
    if gap is None:
        connection.execute(
            f"INSERT INTO outbox ({queue.COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row_id, destination, GAP, GAP_RANK, created_ms, size, after),
        )
        queue.count(connection, destination, num_waiting=1, num_bytes=size, num_dropped=1)
    else:
        connection.execute("UPDATE outbox SET body = ?, num_bytes = ? WHERE id = ?", (after, size, gap[0]))
        queue.count(connection, destination, num_bytes=size - gap[2], num_dropped=1)
