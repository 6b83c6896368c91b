"""Everything that was inspected: rows, photos and score maps, and what people said of them.

An answered call is on disk. Callbacks on futures run on the writer's thread: they have to be short.
"""

import re
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, cast

import numpy as np

from edge_app.services.result import Outcome, Photo, Result, ShadowAnswer
from edge_app.store import audit, decisions, insertion, thresholds
from edge_app.store.condition import read_status
from edge_app.store.files import ResultFiles
from edge_app.store.filters import ResultFilter
from edge_app.store.history import History
from edge_app.store.housekeeping import Housekeeping
from edge_app.store.intake import InsertHook, Intake
from edge_app.store.lost_database import check_not_lost
from edge_app.store.policy import StoragePolicy, keeps_files
from edge_app.store.readers import Readers
from edge_app.store.records import (
    AuditPage,
    Bucket,
    OperatorDecision,
    Page,
    Receipt,
    StoredResult,
    StoreStatus,
    ThresholdVersion,
)
from edge_app.store.retention import Retention
from edge_app.store.space import free_bytes
from edge_app.store.state_folder import StateFolder
from edge_app.store.statistics import read_statistics
from edge_app.store.sweep import Sweep
from edge_app.store.writer import Writer
from inspector.errors import InputError
from inspector.postprocess import Thresholds

DATABASE_NAME = "results.sqlite"
FILES_NAME = "files"
ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Store:
    """The results of one state folder; use `Store.open`."""

    def __init__(
        self, folder: StateFolder, writer: Writer, *, policy: StoragePolicy, on_insert: Sequence[InsertHook]
    ) -> None:
        self.path = folder.path / DATABASE_NAME
        self.writer = writer
        self._folder = folder
        self._policy = policy
        self._num_passes = 0
        self._lock = threading.Lock()
        self._thresholds: Dict[str, Optional[ThresholdVersion]] = {}
        self._files = ResultFiles(folder.path / FILES_NAME)
        self._readers = Readers(self.path)
        self._history = History(self._readers, self._files, writer)
        self._intake = Intake(self._files, writer, on_insert)
        self._housekeeping = Housekeeping(
            Retention(writer, self._files, lambda: self._policy, now_ms=wall_ms, steady_ms=steady_ms),
            Sweep(
                writer,
                self._readers,
                self._files,
                ids_in_flight=lambda: self._intake.ids_in_flight,
                now_ms=wall_ms,
            ),
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        policy: Optional[StoragePolicy] = None,
        on_insert: Sequence[InsertHook] = (),
        state: Optional[StateFolder] = None,
    ) -> "Store":
        """Open the store of a state folder, which is made where it is missing.

        Args:
            on_insert: Run in the transaction of every result; see also `add_insert_hook`.
            state: The folder's lock where the caller holds it already; `close` lets it go in any case.

        Raises:
            StorageError: another process has the folder, it cannot be written, a newer version wrote it, or
                its database is gone and its photos are not.
        """
        held = state or StateFolder(folder)
        try:
            check_not_lost(held.path / DATABASE_NAME, held.path / FILES_NAME)
            writer = Writer(held.path / DATABASE_NAME)
        except BaseException:
            held.close()
            raise
        return cls(held, writer, policy=policy or StoragePolicy(), on_insert=on_insert)

    @property
    def policy(self) -> StoragePolicy:
        """What is kept, and for how long."""
        return self._policy

    def set_policy(self, policy: StoragePolicy) -> None:
        """Keep by another policy from now on."""
        self._policy = policy
        self._housekeeping.hurry()

    def add_insert_hook(self, hook: InsertHook) -> None:
        """Run `hook(connection, result)` in the transaction of every result from now on."""
        self._intake.add_hook(hook)

    def begin(
        self, result_id: str, created_ms: int, photo: Photo, *, map_hw: Tuple[int, int] = (0, 0)
    ) -> None:
        """Start to write a photo while its result is found out, where it is kept whatever that will be.

        `add` with this id and time then waits less for the disk. Returns at once; call `forget` where no
        result comes.

        Args:
            map_hw: The size of the score map that is expected: its place on disk is made now. Another size is
                no error.

        Raises:
            InputError: the id could not be a file's name.
        """
        _check_id(result_id)
        if self._policy.photos == "all" and free_bytes(self._folder.path) >= self._policy.min_free_bytes:
            self._intake.begin(result_id, created_ms, photo, map_hw=map_hw)

    def begin_score(self, result_id: str, score: np.ndarray) -> None:
        """Start to write the score map, float32 (H, W), of a begun result, before it is judged.

        `add` must bring the same map. Returns at once.
        """
        self._intake.begin_score(result_id, score)

    def forget(self, result_id: str) -> None:
        """Let the files go that were begun for a result."""
        self._intake.forget(result_id)

    def add(self, result: Result) -> "Future[Receipt]":
        """Store a result: files by policy, then its row. The receipt comes when all is on disk.

        The future never fails: a full or broken disk is a receipt with `stored=False` and a reason.

        Raises:
            InputError: the id could not be a file's name.
        """
        _check_id(result.id)
        keep, reason = self._wants_files(result.outcome), ""
        if keep and free_bytes(self._folder.path) < self._policy.min_free_bytes:
            keep, reason = (
                False,
                "the disk is nearly full: files are not kept; free some space or lower max_bytes",
            )
            self._housekeeping.hurry()
        return self._intake.put(result, keep_files=keep, reason=reason)

    def attach_shadow(self, result_id: str, shadow: ShadowAnswer) -> "Future[None]":
        """Add to a stored result what the shadow model said later."""
        return self.writer.submit(lambda connection: insertion.attach_shadow(connection, result_id, shadow))

    def get(self, result_id: str) -> Optional[StoredResult]:
        """Return a result, or None when it is not (or no longer) there."""
        return self._history.get(result_id)

    def photo(self, result_id: str) -> Optional[Tuple[bytes, str]]:
        """Return a photo's file and media type, or None when there is none."""
        return self._history.photo(result_id)

    def score(self, result_id: str) -> Optional[np.ndarray]:
        """Return a score map, float32 (H, W) exactly as it was, or None when there is none."""
        return self._history.score(result_id)

    def page(self, wanted: ResultFilter, *, cursor: Optional[str] = None, limit: int = 50) -> Page:
        """Return matching results, newest first.

        Raises:
            InputError: the cursor is not one of ours, or `limit` is not in 1 to 500.
        """
        return self._history.page(wanted, cursor=cursor, limit=limit)

    def iterate(self, wanted: ResultFilter) -> Iterator[StoredResult]:
        """Yield all matching results, oldest first; what is stored meanwhile may come too."""
        return self._history.iterate(wanted)

    def statistics(
        self,
        *,
        from_ms: int,
        to_ms: int,
        bucket: str,
        source: Optional[str] = None,
        lot: Optional[str] = None,
        model: Optional[str] = None,
    ) -> List[Bucket]:
        """Return counts and means by `hour` or `day` (UTC), oldest first, empty ones left out.

        Whole hours count, from that of `from_ms` on. Results that retention removed still count.

        Raises:
            InputError: another `bucket`.
        """
        with self._readers.read() as connection:
            return read_statistics(
                connection, from_ms=from_ms, to_ms=to_ms, bucket=bucket, source=source, lot=lot, model=model
            )

    def decide(
        self, result_id: str, *, decision: str, by: str, note: str = ""
    ) -> "Future[Optional[OperatorDecision]]":
        """Store what an operator says of a result: `good`, `defect`, `unsure`. None: there is no such result.

        Raises:
            InputError: another decision, or a note of over 2000 characters.
        """
        decisions.check_decision(decision, note)
        said = OperatorDecision(decision, by, wall_ms(), note)
        return self.writer.submit(lambda connection: decisions.insert_decision(connection, result_id, said))

    def decision_history(self, result_id: str) -> List[OperatorDecision]:
        """Return all that was said of a result, oldest first."""
        with self._readers.read() as connection:
            return decisions.read_history(connection, result_id)

    def current_thresholds(self, model_digest: str) -> Optional[ThresholdVersion]:
        """Return the device's own thresholds for a model, or None where the bundle's hold.

        From memory, but for the first time: every inspection asks.
        """
        if model_digest not in self._thresholds:
            read = next(iter(self.threshold_history(model_digest, limit=1)), None)
            with self._lock:
                self._thresholds.setdefault(model_digest, read)  # they may have been set meanwhile
        return self._thresholds[model_digest]

    def set_thresholds(self, model_digest: str, limits: Thresholds, by: str) -> "Future[ThresholdVersion]":
        """Store the next version of a model's thresholds; they hold from its commit on."""
        when_ms = wall_ms()
        setting = self.writer.submit(
            lambda connection: thresholds.insert_thresholds(
                connection, model_digest, limits, by=by, when_ms=when_ms
            )
        )
        answer = cast("Future[ThresholdVersion]", Future())
        setting.add_done_callback(lambda done: self._remember(model_digest, done, answer))
        return answer

    def threshold_history(self, model_digest: str, *, limit: int = 1000) -> List[ThresholdVersion]:
        """Return the versions of a model's thresholds, newest first."""
        with self._readers.read() as connection:
            return thresholds.read_thresholds(connection, model_digest, limit=limit)

    def audit(self, action: str, by: str, detail: str = "") -> "Future[None]":
        """Write down who did what."""
        when_ms = wall_ms()
        return self.writer.submit(
            lambda connection: audit.insert_entry(
                connection, action=action, by=by, detail=detail, when_ms=when_ms
            )
        )

    def audit_page(self, *, cursor: Optional[str] = None, limit: int = 50) -> AuditPage:
        """Return audit entries, newest first.

        Raises:
            InputError: the cursor is not one of ours.
        """
        with self._readers.read() as connection:
            return audit.read_page(connection, cursor=cursor, limit=limit)

    def status(self) -> StoreStatus:
        """Say how the store does; it answers also when the disk does not."""
        return read_status(
            self._readers,
            database=self.path,
            failure=self.writer.failure,
            trouble=self._intake.trouble,
            num_pending=len(self._intake.ids_in_flight),
        )

    def close(self) -> None:
        """Store what was taken, then stop. The writer closes last: it alone writes back the log."""
        self._housekeeping.close()
        self._intake.close()
        self._readers.close()
        self.writer.close()
        self._folder.close()

    def _remember(
        self, model_digest: str, setting: "Future[ThresholdVersion]", answer: "Future[ThresholdVersion]"
    ) -> None:
        """Answer after remembering: who waited for the answer must find the new thresholds in force."""
        error = setting.exception()
        if error is not None:
            answer.set_exception(error)
            return
        with self._lock:
            self._thresholds[model_digest] = setting.result()
        answer.set_result(setting.result())

    def _wants_files(self, outcome: Outcome) -> bool:
        with self._lock:
            keep = keeps_files(self._policy, outcome, self._num_passes)
            self._num_passes += outcome is Outcome.PASS
        return keep


def _check_id(result_id: str) -> None:
    if not ID_PATTERN.fullmatch(result_id):
        raise InputError(
            f"the result id {result_id[:80]!r} has other characters than A-Z a-z 0-9 _ -, or over 64"
        )


def wall_ms() -> int:
    """Return the time of day, ms since 1970, for people and for retention."""
    return int(time.time() * 1000)


def steady_ms() -> int:
    """Return a time that nobody sets, ms."""
    return int(time.monotonic() * 1000)
