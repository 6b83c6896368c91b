"""A camera whose frames the test makes, and a hub that answers when the test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np

from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraSettings, CameraState, CameraStats, Frame, FrameFault, Trigger
from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.shot import Taken
from inspector.postprocess import Thresholds

LIMITS = Thresholds(fail=0.5, review=0.25, min_area_px=4)
MODEL = ModelVersion(digest="d", name="fake", version="1")
PATIENCE_S = 20.0


def settings(**changes: Any) -> CameraSettings:
    fields: dict[str, Any] = {"name": "line1", "address": "v4l2:0", "trigger": Trigger.HTTP}
    return CameraSettings(**{**fields, **changes})


def eventually(is_so: Callable[[], Any], *, what: str = "it") -> None:
    """Wait until something holds; fails with `what` after 20 s, which is for a machine that hangs."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline_s, f"{what} did not come about"
        time.sleep(0.01)


def result(outcome: Outcome, origin: Origin, *, reason: str = "") -> Result:
    return Result(
        id="0" * 16,
        created_ms=0,
        outcome=outcome,
        reason=reason,
        origin=origin,
        model=MODEL,
        thresholds=LIMITS,
        frame_hw=(4, 4),
        photo=Photo(data=b""),
    )


class FakeCamera:
    """A camera without a process."""

    name = "line1"

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.frames: list[Frame] = []
        self.state = CameraState.RUNNING
        self.fault: FrameFault | None = None

    def push(
        self, *, value: int = 100, captured_s: float | None = None, fault: FrameFault | None = None
    ) -> Frame:
        with self.changed:
            seq = len(self.frames) + 1
            stamp = time.monotonic() if captured_s is None else captured_s
            frame = Frame(np.full((4, 4, 3), value, np.uint8), seq, stamp, 1_000 + seq, fault)
            self.frames.append(frame)
            self.changed.notify_all()
        return frame

    def latest(self) -> Frame | None:
        return self.frames[-1] if self.frames else None

    def wait_for_newer(self, after_seq: int, timeout_s: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.frames) > after_seq, timeout_s)

    def wait_next(self, after_seq: int, timeout_s: float) -> Frame | None:
        return self.frames[-1] if self.wait_for_newer(after_seq, timeout_s) else None

    def stats(self) -> CameraStats:
        return CameraStats(self.state, 0.0, len(self.frames), 0, "", None, 4, 4, self.fault)

    def start(self) -> None:
        raise AssertionError("a station starts no camera")

    def stop(self) -> None:
        raise AssertionError("a station stops no camera")


class FakeInspector:
    """Answers PASS at once; turns are answered when the test calls `run_turn`, or at once with `is_quick`."""

    def __init__(self, *, is_quick: bool = True) -> None:
        self.is_quick = is_quick
        self.is_busy = False
        self.turns: list[tuple[Callable[[], Taken | None], Future[Result | None]]] = []
        self.taken: list[Taken | None] = []
        self.no_decisions: list[tuple[np.ndarray, Origin, str]] = []

    def submit_newest(self, take: Callable[[], Taken | None], *, source: str) -> Future[Result | None]:
        assert source in ("line1", "b")
        if self.is_busy:
            raise BusyError("busy")
        future: Future[Result | None] = Future()
        self.turns.append((take, future))
        if self.is_quick:
            self.run_turn()
        return future

    def submit_no_decision(self, frame: np.ndarray, *, origin: Origin, reason: str) -> Future[Result]:
        self.no_decisions.append((frame, origin, reason))
        return done(result(Outcome.NO_DECISION, origin, reason=reason))

    def run_turn(self) -> None:
        take, future = self.turns.pop(0)
        taken = take()
        self.taken.append(taken)
        if taken is None:
            future.set_result(None)
        elif taken.no_decision:
            future.set_result(result(Outcome.NO_DECISION, taken.origin, reason=taken.no_decision))
        else:
            future.set_result(result(Outcome.PASS, taken.origin))


def done(answer: Result) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(answer)
    return future
