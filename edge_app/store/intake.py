"""The way of a result to the disk: its files first, then its row, then the answer.

One thread keeps the results in order. It never waits for the writer, so that rows are committed in groups.
"""

import logging
import sqlite3
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Deque, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple, cast

import numpy as np

from edge_app.services.result import Photo, Result
from edge_app.store.early import EarlyFiles
from edge_app.store.failure import Severity, WriterFailedError, severity_of
from edge_app.store.files import NewFile, ResultFiles, remove_files, write_files
from edge_app.store.insertion import KeptFiles, insert_result
from edge_app.store.records import Receipt
from edge_app.store.score_map import encode_score
from edge_app.store.writer import Writer

logger = logging.getLogger(__name__)

BATCH = 16  # results whose files are synced together
MAX_PENDING = 1000
MAX_PENDING_WITH_FILES = 64  # each may hold a frame of many megabytes

InsertHook = Callable[[sqlite3.Connection, Result], None]


@dataclass
class Incoming:
    """A result on its way; `reason` says why its files are not kept, where they should have been."""

    result: Result
    future: "Future[Receipt]"
    keep_files: bool
    reason: str
    photo: Optional[NewFile] = None
    score: Optional[NewFile] = None

    @property
    def new_files(self) -> List[NewFile]:
        """The files that are to be written, or were."""
        return [new for new in (self.photo, self.score) if new is not None]

    def drop_files(self, reason: str) -> None:
        """Go on with the row alone."""
        self.photo = self.score = None
        self.reason = reason


class Intake:
    """Takes results and answers with receipts."""

    def __init__(self, files: ResultFiles, writer: Writer, hooks: Sequence[InsertHook]) -> None:
        self._files = files
        self._writer = writer
        self._hooks = list(hooks)
        self._early = EarlyFiles(files)
        self._waiting: Deque[Incoming] = deque()
        self._changed = threading.Condition()
        self._ids: Set[str] = set()
        self._closing = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="store-intake", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why the last result was not stored, or stored without its files; empty when it was."""
        return self._trouble

    @property
    def ids_in_flight(self) -> FrozenSet[str]:
        """Results whose files may be there before their rows."""
        with self._changed:
            return frozenset(self._ids) | self._early.ids

    def add_hook(self, hook: InsertHook) -> None:
        """Run `hook` in the transaction of every result from now on; its error keeps the result out."""
        self._hooks.append(hook)

    def begin(self, result_id: str, created_ms: int, photo: Photo, *, map_hw: Tuple[int, int]) -> None:
        """Start to write the photo of a result that `put` will bring, or `forget` will not."""
        self._early.begin(result_id, created_ms, photo, map_hw=map_hw)

    def begin_score(self, result_id: str, score: np.ndarray) -> None:
        """Start to write the score map of a result whose photo was begun."""
        self._early.begin_score(result_id, score)

    def forget(self, result_id: str) -> None:
        """Let begun files go: their result will not come."""
        self._early.drop(result_id)

    def put(self, result: Result, *, keep_files: bool, reason: str = "") -> "Future[Receipt]":
        """Queue a result. Its future never fails: the receipt says what became of it."""
        future = cast("Future[Receipt]", Future())
        refusal = ""
        with self._changed:
            num_pending = len(self._ids)
            if self._closing:
                refusal = "the store is closed"
            elif num_pending >= MAX_PENDING:
                refusal = f"the disk is too slow: {num_pending} results wait (limit {MAX_PENDING})"
            elif result.id in self._ids:
                refusal = f"the result {result.id} is being stored already"
            else:
                if keep_files and num_pending >= MAX_PENDING_WITH_FILES:
                    keep_files, reason = False, f"the disk is too slow for files: {num_pending} results wait"
                self._ids.add(result.id)
                self._waiting.append(Incoming(result, future, keep_files, reason))
                self._changed.notify()
        if refusal:
            self._early.drop(result.id)
            self._trouble = refusal
            future.set_result(Receipt(stored=False, reason=refusal))
        return future

    def close(self) -> None:
        """Bring what was taken to the writer, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._early.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if not batch:
                return
            self._write_files(batch)
            for incoming in batch:
                self._insert(incoming)

    def _write_files(self, batch: Sequence[Incoming]) -> None:
        for incoming in batch:
            if incoming.keep_files:
                self._collect(incoming)
            else:
                self._early.drop(incoming.result.id)
        failures = write_files([new for incoming in batch for new in incoming.new_files])
        for incoming in batch:
            self._note_failure(incoming, failures)

    def _collect(self, incoming: Incoming) -> None:
        """Find out which files are on disk already, and make the others."""
        result = incoming.result
        try:
            incoming.photo, incoming.score = self._early.take(result.id)
            if incoming.photo is None:
                path = self._files.photo_path(result.id, result.created_ms, result.photo.media_type)
                incoming.photo = NewFile(path, result.photo.data)
            if incoming.score is None and result.score is not None:
                path = self._files.score_path(result.id, result.created_ms)
                incoming.score = NewFile(path, encode_score(result.score))
        except Exception as error:
            logger.exception("the files of result %s", result.id)
            if severity_of(error) is Severity.BROKEN:
                self._writer.fail(f"a file cannot be written ({error})")
            remove_files([new.path for new in incoming.new_files if new.is_durable])
            incoming.drop_files(f"its files could not be made: {error}")

    def _note_failure(self, incoming: Incoming, failures: Dict[Path, OSError]) -> None:
        failed = [failures[new.path] for new in incoming.new_files if new.path in failures]
        if not failed:
            return
        remove_files([new.path for new in incoming.new_files if new.path not in failures])
        severity = severity_of(failed[0])
        if severity is Severity.BROKEN:
            self._writer.fail(f"a file cannot be written ({failed[0]})")
        incoming.drop_files(
            "the disk is full: its files were not kept; free some space or lower max_bytes"
            if severity is Severity.FULL
            else f"its files were not kept: {failed[0]}"
        )

    def _insert(self, incoming: Incoming) -> None:
        kept = KeptFiles(
            photo_bytes=len(incoming.photo.data) if incoming.photo else 0,
            score_bytes=len(incoming.score.data) if incoming.score else 0,
        )
        paths = [new.path for new in incoming.new_files]
        incoming.photo = incoming.score = None  # the bytes are on disk

        def job(connection: sqlite3.Connection) -> None:
            insert_result(connection, incoming.result, kept)
            for hook in self._hooks:
                hook(connection, incoming.result)

        def done(row: "Future[None]") -> None:
            self._answer(incoming, paths, row.exception())

        self._writer.submit(job).add_done_callback(done)

    def _answer(self, incoming: Incoming, paths: Sequence[Path], error: Optional[BaseException]) -> None:
        if error is None:
            receipt = Receipt(stored=True, reason=incoming.reason, kept_files=bool(paths))
        else:
            receipt = Receipt(stored=False, reason=str(error) or type(error).__name__)
            if not isinstance(error, WriterFailedError):  # then the row may be on disk: the next start looks
                remove_files(paths)
            logger.error("result %s is not stored: %s", incoming.result.id, receipt.reason)
        self._trouble = receipt.reason
        with self._changed:
            self._ids.discard(incoming.result.id)
        if incoming.future.set_running_or_notify_cancel():
            incoming.future.set_result(receipt)
