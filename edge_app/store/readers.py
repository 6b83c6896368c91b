"""A few connections that only read, each for a short transaction at a time.

Readers never write back the log (facts edge_reliability, section 1), and none may read for long: the log
cannot be shortened under a reader.
"""

import logging
import queue
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional, cast

from inspector.errors import StorageError

logger = logging.getLogger(__name__)

NUM_CONNECTIONS = 4
MAX_READ_S = 10.0
OPCODES_BETWEEN_CHECKS = 100_000
PRAGMAS = (
    "PRAGMA query_only=1",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-8000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=0",
)


class Readers:
    """Lends connections; who comes when all are lent waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # None in place of a connection: closed, for whoever still comes.
        self._free = cast("queue.LifoQueue[Optional[sqlite3.Connection]]", queue.LifoQueue())
        for _ in range(NUM_CONNECTIONS):
            self._open()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a read transaction: all that is read in it belongs together.

        Raises:
            StorageError: the database cannot be read, the reading took more than 10 s, or this is closed.
        """
        connection = self._free.get()
        if connection is None:
            self._free.put(None)
            raise StorageError("the stored results are closed: the server is stopping; ask again later")
        try:
            with _time_limit(connection):
                connection.execute("BEGIN")
                yield connection
        except sqlite3.Error as error:
            raise _explained(error) from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close all, waiting for those that are lent; a second time is harmless."""
        for _ in range(NUM_CONNECTIONS):
            connection = self._free.get()
            if connection is None:
                break
            connection.close()
        self._free.put(None)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        """Put it back whatever the disk says: one that stayed away would be missing for ever."""
        try:
            if connection.in_transaction:
                connection.rollback()
        except sqlite3.Error as error:
            logger.error("ending a read transaction: %s", error)
        finally:
            self._free.put(connection)

    def _open(self) -> None:
        connection = sqlite3.connect(str(self._path), isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            connection.execute(pragma).fetchall()
        self._free.put(connection)


@contextmanager
def _time_limit(connection: sqlite3.Connection) -> Iterator[None]:
    end_s = time.monotonic() + MAX_READ_S
    connection.set_progress_handler(lambda: int(time.monotonic() > end_s), OPCODES_BETWEEN_CHECKS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


def _explained(error: sqlite3.Error) -> StorageError:
    if "interrupted" in str(error):
        return StorageError(
            f"reading took more than {MAX_READ_S:.0f} s; ask for a shorter time or fewer results"
        )
    return StorageError(
        f"the stored results cannot be read: {error}; check the disk, then restart the server"
    )
