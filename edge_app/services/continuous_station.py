"""Inspects a camera's newest frame again and again."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Callable, Optional

from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import Camera, CameraError, CameraSettings, CameraState, FrameFault, Trigger
from edge_app.services.result import Result
from edge_app.services.shot import Taken
from edge_app.services.station import FrameInspector, blank_frame, origin_of, reason_of
from edge_app.services.tally import StationStats, Tally

logger = logging.getLogger(__name__)

MAX_TURNS = 2  # one that is inspected, one that waits or is being stored
LOOK_S = 0.2
SAME_FAULT_AGAIN_S = 10.0


@dataclass(frozen=True)
class FaultReport:
    """The reason of a NO_DECISION that was written, and when, monotonic."""

    fault: str
    at_s: float


def is_due(fault: str, before: Optional[FaultReport], *, now_s: float) -> bool:
    """Whether a fault is written down: when it is new, and again every 10 s while it lasts."""
    return before is None or before.fault != fault or now_s - before.at_s >= SAME_FAULT_AGAIN_S


class ContinuousStation:
    """Inspects the newest frame again and again, as fast as the network does it or at `min_interval_ms`."""

    def __init__(
        self,
        camera: Camera,
        settings: CameraSettings,
        inspector: FrameInspector,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._camera, self._settings, self._inspector, self._clock = camera, settings, inspector, clock
        self._view = settings.view()
        self._tally = Tally()
        self._turns = threading.Semaphore(MAX_TURNS)
        self._was_taken = threading.Event()
        self._is_stopping = threading.Event()
        self._last_seq = 0
        self._last_taken_s = -float("inf")
        self._report: Optional[FaultReport] = None  # of frames
        self._failure: Optional[FaultReport] = None  # of inspections
        self._thread = threading.Thread(target=self._run, name=f"station-{camera.name}", daemon=True)

    @property
    def stats(self) -> StationStats:
        """What has been done since the start."""
        return self._tally.stats

    def start(self) -> None:
        """Begin to inspect."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more frames."""
        self._is_stopping.set()
        self._was_taken.set()
        self._thread.join()

    def trigger(self, kind: Trigger, *, lot: str = "") -> "Future[Result]":
        """Refuse: this camera needs no trigger."""
        raise CameraError(
            f"camera {self._camera.name} inspects continuously; set its trigger to `http` or `mqtt` first"
        )

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                self._step()
            except Exception as error:  # whatever it is, the next frame may be a defect
                self._tally.note(f"{type(error).__name__}: {error}")
                logger.exception("camera %s", self._camera.name)
                self._is_stopping.wait(LOOK_S)

    def _step(self) -> None:
        """Wait for a newer frame and have it inspected, or note that none comes."""
        if not self._camera.wait_for_newer(self._last_seq, LOOK_S):
            self._note_silence()
            return
        pause_s = self._last_taken_s + self._settings.min_interval_ms / 1000 - self._clock()
        if pause_s <= 0 or not self._is_stopping.wait(pause_s):
            self._take_turn()

    def _take_turn(self) -> None:
        """Queue one turn, and wait until it has taken its frame: the next one needs a newer frame."""
        while not self._turns.acquire(timeout=LOOK_S):
            if self._is_stopping.is_set():
                return
        self._was_taken.clear()
        try:
            future = self._inspector.submit_newest(self._take, source=self._camera.name)
        except BusyError:
            self._turns.release()
            self._is_stopping.wait(LOOK_S)
            return
        future.add_done_callback(self._turn_done)
        if self._is_stopping.is_set():
            return
        self._was_taken.wait()

    def _turn_done(self, future: "Future[Optional[Result]]") -> None:
        self._was_taken.set()
        self._turns.release()
        self._tally.count(future)
        error = future.exception()
        if error is not None:
            self._note_failure(reason_of(error))
        elif future.result() is not None:
            self._failure = None

    def _note_failure(self, reason: str) -> None:
        """Write down that inspections fail: when it begins, and again every 10 s while it lasts."""
        now_s = self._clock()
        if is_due(reason, self._failure, now_s=now_s):
            self._failure = FaultReport(reason, now_s)
            self._write_down(reason, now_s)

    def _take(self) -> Optional[Taken]:
        """Return the newest frame; called in the moment inference begins."""
        try:
            frame = self._camera.latest()
            if self._is_stopping.is_set() or frame is None or frame.seq <= self._last_seq:
                return None
            self._last_seq, now_s = frame.seq, self._clock()
            self._last_taken_s = now_s
            fault = frame.fault or self._stale()
            if fault is None:
                self._report = None
            elif not self._reports(fault, now_s):
                return None
            origin = origin_of(frame, self._settings, Trigger.CONTINUOUS, now_s=now_s)
            return Taken(frame.frame, origin, self._view, no_decision="" if fault is None else fault.value)
        finally:
            self._was_taken.set()

    def _reports(self, fault: FrameFault, now_s: float) -> bool:
        is_reported = is_due(fault.value, self._report, now_s=now_s)
        if is_reported:
            self._report = FaultReport(fault.value, now_s)
        return is_reported

    def _note_silence(self) -> None:
        """Write down that a camera which should give frames gives none; no old photo stands for it."""
        state, now_s = self._camera.stats().state, self._clock()
        is_silent = state in (CameraState.WAITING, CameraState.STUCK) or self._stale() is not None
        if state is CameraState.ENDED or not is_silent or not self._reports(FrameFault.STALE, now_s):
            return
        self._write_down(FrameFault.STALE.value, now_s)

    def _write_down(self, reason: str, now_s: float) -> None:
        origin = origin_of(None, self._settings, Trigger.CONTINUOUS, now_s=now_s)
        future = self._inspector.submit_no_decision(blank_frame(), origin=origin, reason=reason)
        future.add_done_callback(self._tally.count)

    def _stale(self) -> Optional[FrameFault]:
        fault = self._camera.stats().fault
        return fault if fault is FrameFault.STALE else None
