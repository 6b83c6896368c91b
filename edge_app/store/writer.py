"""The one connection that writes: one thread, many jobs a transaction, answers only after COMMIT.

Source: facts edge_reliability, section 1: only one connection of one process writes and checkpoints (SQLite's
WAL-reset defect, 3.7.0 to 3.51.2), and after the first failed fsync nothing more may be trusted.
"""

import logging
import sqlite3
import threading
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Callable, Deque, List, Optional, Tuple, TypeVar, cast

from edge_app.store.failure import DiskFullError, Severity, WriterFailedError, severity_of
from edge_app.store.schema import migrate

logger = logging.getLogger(__name__)

MAX_JOBS = 32
MAX_BATCH_S = 0.02
CHECKPOINT_CHANGES = 1000  # changed rows after which the log is written back into the database
WAL_LIMIT_BYTES = 16 * 2**20
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=5000",
    "PRAGMA wal_autocheckpoint=0",  # done by hand, after the answers, where its errors can be seen
    f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}",
    "PRAGMA cache_size=-8000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA mmap_size=0",  # with it, a failing disk would end the process with SIGBUS
)

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
Ticket = Tuple[Job, "Future[Any]"]
Answer = Tuple["Future[Any]", Any, Optional[Exception]]


class Writer:
    """Runs jobs on the writing connection, in the order they came.

    What is waiting is committed together: at most 32 jobs or 20 ms of work a transaction.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the database at `path` and bring it to this version's schema.

        Raises:
            StorageError: it cannot be opened, or a newer version wrote it.
        """
        self._connection = _open(path)
        self._tickets: Deque[Ticket] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._failure: Optional[str] = None
        self._num_running = 0
        self._changes_at_checkpoint = 0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> Optional[str]:
        """Why no job is taken any more, or None while all is well."""
        return self._failure

    @property
    def num_pending(self) -> int:
        """How many jobs wait or run."""
        return len(self._tickets) + self._num_running

    def submit(self, job: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Queue `job`; its future gives what it returned once that is on disk.

        A job runs inside a transaction and a savepoint of its own: it neither begins, commits nor rolls back.
        What it raises undoes its own changes and is its future's error. The future's other errors are
        DiskFullError (not stored; later jobs may succeed) and WriterFailedError (the disk failed, or closed).
        """
        future = cast("Future[T]", Future())
        with self._changed:
            refusal = self._failure or ("the store is closed" if self._closing else None)
            if refusal is None:
                self._tickets.append((job, future))
                self._changed.notify()
        if refusal is not None:
            future.set_exception(WriterFailedError(refusal))
        return future

    def fail(self, why: str) -> None:
        """Take no more jobs: something beside the database failed so that the disk cannot be trusted."""
        with self._changed:
            if self._failure is None:
                self._failure = f"{why}; check the disk, then restart the server"
                logger.critical("the store stops: %s", self._failure)
            refused = [future for _, future in self._tickets]
            self._tickets.clear()
        for future in refused:
            if future.set_running_or_notify_cancel():
                future.set_exception(WriterFailedError(self._failure))

    def close(self) -> None:
        """Finish the jobs that were taken, write the log back, and close."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait_for_work():
            self._transaction()
            self._checkpoint_when_due()
        try:
            if self._failure is None:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
        except sqlite3.Error as error:
            logger.error("closing the database: %s", error)

    def _wait_for_work(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._tickets or self._closing)
            return bool(self._tickets)

    def _transaction(self) -> None:
        """Run what is waiting and commit it; every future is answered, after COMMIT or after a roll-back."""
        answers: List[Answer] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._run_jobs(answers)
            self._connection.execute("COMMIT")
        except Exception as error:
            self._give_up(answers, error)
        self._num_running = 0
        for future, value, failure in answers:
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(failure)

    def _run_jobs(self, answers: List[Answer]) -> None:
        end_s = time.monotonic() + MAX_BATCH_S
        while len(answers) < MAX_JOBS:
            with self._changed:
                if not self._tickets:
                    return
                job, future = self._tickets.popleft()
                self._num_running += 1
            if not future.set_running_or_notify_cancel():
                continue
            answers.append((future, None, None))  # answered also when the next line ends the transaction
            answers[-1] = (future, *self._run_job(job))
            if time.monotonic() > end_s:
                return

    def _run_job(self, job: Job) -> Tuple[Any, Optional[Exception]]:
        self._connection.execute("SAVEPOINT job")
        try:
            value = job(self._connection)
        except Exception as error:
            if severity_of(error) is not Severity.JOB or not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return None, error
        self._connection.execute("RELEASE job")
        return value, None

    def _give_up(self, answers: List[Answer], error: Exception) -> None:
        """Undo the transaction, and make its error that of every job in it."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as second:
            logger.error("rolling back: %s", second)
        severity = severity_of(error)
        failure: Exception = error
        if severity is Severity.BROKEN:
            self.fail(f"the database cannot be written ({error})")
            failure = WriterFailedError(self._failure)
        elif severity is Severity.FULL:
            failure = DiskFullError(
                "the disk is full: nothing was stored; free some space or lower max_bytes"
            )
        for index, (future, _, own) in enumerate(answers):
            answers[index] = (future, None, own or failure)
        if not answers:  # BEGIN itself failed: the job that is waiting must not try for ever
            self._refuse_first(failure)

    def _refuse_first(self, failure: Exception) -> None:
        with self._changed:
            future = self._tickets.popleft()[1] if self._tickets else None
        if future is not None and future.set_running_or_notify_cancel():
            future.set_exception(failure)

    def _checkpoint_when_due(self) -> None:
        changes = self._connection.total_changes
        if changes - self._changes_at_checkpoint < CHECKPOINT_CHANGES or self._failure is not None:
            return
        self._changes_at_checkpoint = changes
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            if severity_of(error) is Severity.BROKEN:
                self.fail(f"the database cannot be written back ({error})")
            else:
                logger.warning("checkpoint: %s", error)


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise WriterFailedError(
            f"cannot open {path}: {error}; check the folder and its permissions"
        ) from error
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma).fetchall()
        migrate(connection, name=str(path))
        # A server that crashes again and again would otherwise never come to write the log back.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        connection.close()
        raise WriterFailedError(
            f"cannot use {path}: {error}; free some space or restore it from a backup, or move it and the "
            "folder `files` away to start with no results"
        ) from error
    except BaseException:
        connection.close()
        raise
    return connection
