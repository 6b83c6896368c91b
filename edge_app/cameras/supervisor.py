"""One camera: a thread that keeps its process alive, and starts it again whenever it fails or falls silent.

What is too late and how long to pause is decided in `watch`; the frames are in `newest`.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass
from random import Random
from typing import Callable, Optional

from edge_app.cameras.address import without_secrets
from edge_app.cameras.facts import FrameFacts
from edge_app.cameras.newest import NewestFrame
from edge_app.cameras.process import CameraProcess
from edge_app.cameras.ring import Ring
from edge_app.cameras.source import SourceRequest
from edge_app.cameras.watch import Phase, allowed_silence_s, failures_after, pause_s
from edge_app.services.camera import CameraSettings, CameraState, CameraStats, Frame, FrameFault
from inspector.errors import InspectorError

logger = logging.getLogger(__name__)

LOOK_AT_STUCK_S = 1.0

MakeRequest = Callable[[int], SourceRequest]


@dataclass
class _Attempt:
    """How far one process has come."""

    phase: Phase = Phase.SPAWNED
    since_s: float = 0.0
    first_frame_s: Optional[float] = None
    has_ended: bool = False
    error: str = ""

    @property
    def ran_s(self) -> float:
        return 0.0 if self.first_frame_s is None else time.monotonic() - self.first_frame_s


class SupervisedCamera:
    """A `services.camera.Camera` whose frames come from a process of its own."""

    def __init__(
        self, settings: CameraSettings, make_request: MakeRequest, *, rng: Optional[Random] = None
    ) -> None:
        """Hold a camera; `make_request` is called at each attempt, with the number of its first frame."""
        self.name = settings.name
        self._settings = settings
        self._make_request = make_request
        self._rng = rng or Random()
        self._frames = NewestFrame(frozen_s=settings.frozen_s)
        self._fps = settings.fps
        self._state = CameraState.STOPPED
        self._last_error = ""
        self._num_starts = 0
        self._thread: Optional[threading.Thread] = None
        self._is_stopping = threading.Event()
        self._wake_here, self._wake_there = -1, -1

    def latest(self) -> Optional[Frame]:
        """Return the newest frame, also after the camera has failed; its age is the caller's business."""
        return self._frames.latest()

    def wait_for_newer(self, after_seq: int, timeout_s: float) -> bool:
        """Wait until there is a frame with a higher number; False after `timeout_s`. Nothing is copied."""
        return self._frames.wait_for_newer(after_seq, timeout_s)

    def wait_next(self, after_seq: int, timeout_s: float) -> Optional[Frame]:
        """Return the newest frame with a higher number, waiting for it; None after `timeout_s`."""
        return self._frames.wait_next(after_seq, timeout_s)

    def stats(self) -> CameraStats:
        """Return how the camera is doing now."""
        now_s = time.monotonic()
        facts = self._frames.facts
        age_s = None if facts is None else now_s - facts.captured_s
        return CameraStats(
            state=self._state,
            fps=round(self._frames.fps(now_s), 2),
            num_frames=self._frames.num_frames,
            num_restarts=max(0, self._num_starts - 1),
            last_error=self._last_error,
            age_ms=None if age_s is None else round(age_s * 1000, 1),
            width=0 if facts is None else facts.width,
            height=0 if facts is None else facts.height,
            fault=None if facts is None or age_s is None else self._fault(facts, age_s),
        )

    def start(self) -> None:
        """Start the process, and start it again whenever it fails."""
        if self._thread is not None:
            return
        self._is_stopping.clear()
        self._wake_here, self._wake_there = os.pipe()
        self._thread = threading.Thread(target=self._keep_alive, name=f"camera-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the process; returns when it is gone, or after 2 s when it hangs in the kernel."""
        if self._thread is None:
            return
        self._is_stopping.set()
        os.write(self._wake_there, b"\0")
        self._thread.join()
        self._thread = None
        os.close(self._wake_here)
        os.close(self._wake_there)

    def _fault(self, facts: FrameFacts, age_s: float) -> Optional[FrameFault]:
        if age_s > allowed_silence_s(Phase.RUNNING, timeout_s=self._settings.timeout_s, fps=self._fps):
            return FrameFault.STALE
        return self._frames.fault(facts)

    def _keep_alive(self) -> None:
        num_failures = 0
        while not self._is_stopping.is_set():
            attempt = self._guarded_attempt()
            if attempt.has_ended or self._is_stopping.is_set():
                break
            num_failures = failures_after(num_failures, ran_s=attempt.ran_s)
            wait_s = pause_s(num_failures, self._rng)
            self._last_error = attempt.error
            self._state = CameraState.WAITING
            logger.warning("camera %s: %s; next attempt in %.0f s", self.name, attempt.error, wait_s)
            self._is_stopping.wait(wait_s)
        self._state = CameraState.STOPPED if self._is_stopping.is_set() else CameraState.ENDED
        self._frames.read_from(None)

    def _guarded_attempt(self) -> _Attempt:
        """Make one attempt; no error, whatever it is, may end this thread and leave the camera dead."""
        try:
            return self._attempt()
        except Exception as error:
            logger.exception("camera %s: the attempt broke off", self.name)
            return _Attempt(error=f"{type(error).__name__}: {error}")

    def _attempt(self) -> _Attempt:
        """Run one process until it ends or has to be ended."""
        attempt = _Attempt(since_s=time.monotonic())
        self._state = CameraState.STARTING
        self._num_starts += 1
        try:
            request = self._make_request(self._frames.next_seq)
            ring = Ring.create()
            self._frames.read_from(ring)
            process = CameraProcess(request, ring)
        except (InspectorError, OSError) as error:
            attempt.error = str(error)
            return attempt
        try:
            self._listen(process, attempt)
        finally:
            self._end(process, attempt)
        if not attempt.has_ended:
            words = process.last_words()
            attempt.error = without_secrets(f"{attempt.error} ({words})" if words else attempt.error, request)
        process.close()
        return attempt

    def _listen(self, process: CameraProcess, attempt: _Attempt) -> None:
        """Take in what the process says, until it says nothing for too long, or goes."""
        while not self._is_stopping.is_set() and not attempt.has_ended:
            limit_s = allowed_silence_s(attempt.phase, timeout_s=self._settings.timeout_s, fps=self._fps)
            left_s = attempt.since_s + limit_s - time.monotonic()
            if left_s <= 0:
                attempt.error = f"it was silent for {limit_s:g} s while {attempt.phase.value}"
                return
            lines = process.events(left_s, self._wake_here)
            if lines is None:
                attempt.error = attempt.error or "its process was ended by something else"
                return
            for line in lines:
                self._hear(line, attempt)

    def _hear(self, line: str, attempt: _Attempt) -> None:
        attempt.since_s = time.monotonic()
        word, _, rest = line.partition(" ")
        if word == "opening":
            attempt.phase = Phase.OPENING
        elif word == "opened":
            attempt.phase = Phase.OPENED
            self._fps = float(rest) or self._settings.fps
        elif word == "frame":
            attempt.phase = Phase.RUNNING
            attempt.first_frame_s = attempt.first_frame_s or attempt.since_s
            self._frames.came(_facts(rest))
            self._state = CameraState.RUNNING
        elif word == "ended":
            attempt.has_ended = True
        else:
            attempt.error = rest

    def _end(self, process: CameraProcess, attempt: _Attempt) -> None:
        """End the process; while it hangs in the kernel no other one is started, and nobody waits for it."""
        if process.end():
            return
        self._state = CameraState.STUCK
        self._last_error = (
            f"process {process.pid} hangs in the kernel ({attempt.error}); replug it, or restart"
        )
        logger.error("camera %s: %s", self.name, self._last_error)
        while not process.is_gone() and not self._is_stopping.wait(LOOK_AT_STUCK_S):
            pass


def _facts(text: str) -> FrameFacts:
    """Read what the process said of a frame."""
    seq, captured_s, captured_ms, height, width, fingerprint, darkest, lightest = text.split()
    return FrameFacts(
        int(seq),
        float(captured_s),
        int(captured_ms),
        int(height),
        int(width),
        int(fingerprint),
        float(darkest),
        float(lightest),
    )
