"""How the store does, as one record for health pages and metrics."""

from pathlib import Path
from typing import Optional

from edge_app.store.readers import Readers
from edge_app.store.records import StoreStatus
from edge_app.store.space import free_bytes, size_or_zero, used_bytes
from inspector.errors import StorageError

WAL_ALARM_BYTES = 64 * 2**20


def read_status(
    readers: Readers, *, database: Path, failure: Optional[str], trouble: str, num_pending: int
) -> StoreStatus:
    """Return the status; it comes also when the disk does not answer.

    Args:
        failure: Why the writer stopped, or None.
        trouble: Why the last result was not kept whole, or empty.
    """
    wal_bytes = size_or_zero(database.with_name(database.name + "-wal"))
    num_results, num_bytes, oldest_ms = 0, 0, None
    try:
        with readers.read() as connection:
            num_results = connection.execute("SELECT num_results FROM totals").fetchone()[0]
            oldest_ms = connection.execute("SELECT MIN(created_ms) FROM results").fetchone()[0]
            num_bytes = used_bytes(connection)
    except StorageError as error:
        failure = failure or str(error)
    free = 0
    try:
        free = free_bytes(database.parent)
    except OSError as error:
        failure = failure or f"the disk does not answer: {error.strerror or error}; check it, then restart"
    return StoreStatus(
        state="failed" if failure else "degraded" if trouble or wal_bytes > WAL_ALARM_BYTES else "ok",
        reason=failure or trouble or _log_trouble(wal_bytes),
        num_results=num_results,
        num_bytes=num_bytes,
        free_bytes=free,
        oldest_ms=oldest_ms,
        wal_bytes=wal_bytes,
        num_pending=num_pending,
    )


def _log_trouble(wal_bytes: int) -> str:
    if wal_bytes <= WAL_ALARM_BYTES:
        return ""
    return (
        f"the database's log has {wal_bytes >> 20} MB (limit {WAL_ALARM_BYTES >> 20} MB): another program "
        "reads the database and keeps it from being written back; stop that program"
    )
