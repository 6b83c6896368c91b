"""Inspects one frame of a camera for each trigger."""

import queue
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import Camera, CameraSettings, Frame, FrameFault, Trigger
from edge_app.services.result import Origin, Result
from edge_app.services.shot import Taken
from edge_app.services.station import BUSY, FrameInspector, blank_frame, origin_of, reason_of
from edge_app.services.tally import StationStats, Tally

MAX_TRIGGERS = 8
LOOK_S = 0.2


@dataclass(frozen=True)
class _Request:
    """A trigger that waits for its frame. `at_s`: monotonic."""

    at_s: float
    kind: Trigger
    lot: str
    future: "Future[Result]"


def _queue_of_requests() -> "queue.Queue[_Request]":
    return queue.Queue(MAX_TRIGGERS)


class TriggeredStation:
    """Inspects one frame a trigger: the first that was captured after it."""

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
        self._requests = _queue_of_requests()
        self._is_stopping = threading.Event()
        self._last_seq = 0
        self._thread = threading.Thread(target=self._run, name=f"station-{camera.name}", daemon=True)

    @property
    def stats(self) -> StationStats:
        """What has been done since the start."""
        return self._tally.stats

    def start(self) -> None:
        """Begin to answer triggers."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more triggers; those that wait are refused."""
        self._is_stopping.set()
        self._thread.join()
        self._refuse_waiting()

    def trigger(self, kind: Trigger, *, lot: str = "") -> "Future[Result]":
        """Ask for the inspection of the next frame; its result is NO_DECISION when none comes in time.

        Raises:
            BusyError: 8 triggers are waiting, or the camera is being stopped.
        """
        request = _Request(self._clock(), kind, lot or self._settings.lot, Future())
        try:
            if self._is_stopping.is_set():
                raise queue.Full
            self._requests.put_nowait(request)
        except queue.Full as error:
            if kind is Trigger.MQTT and not self._is_stopping.is_set():
                self._write_down_busy(request)
            raise BusyError(
                f"camera {self._camera.name} has {self._requests.qsize()} triggers waiting "
                f"(limit {MAX_TRIGGERS}), or is being stopped; send this one again in a moment"
            ) from error
        if self._is_stopping.is_set():  # since it was asked above: nobody else may look at the queue again
            self._refuse_waiting()
        return request.future

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            try:
                request = self._requests.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if request.future.set_running_or_notify_cancel():
                self._answer(request)

    def _write_down_busy(self, request: _Request) -> None:
        """Record a part whose trigger was refused where nobody hears the refusal and sends it again."""
        refused = self._submit_no_decision(None, request, reason=BUSY)
        refused.add_done_callback(self._tally.count)

    def _refuse_waiting(self) -> None:
        with suppress(queue.Empty):
            while True:
                future = self._requests.get_nowait().future
                if future.set_running_or_notify_cancel():
                    future.set_exception(BusyError(f"camera {self._camera.name} is being stopped"))

    def _answer(self, request: _Request) -> None:
        frame: Optional[Frame] = None
        try:
            frame = self._first_after(request.at_s)
            inner = self._submit(frame, request)
        except Exception as error:  # whatever it is, the next trigger has to be answered
            inner = Future()
            inner.set_exception(error)
        inner.add_done_callback(lambda done: self._settle(done, frame, request))

    def _settle(self, done: "Future[Any]", frame: Optional[Frame], request: _Request) -> None:
        """Answer a trigger; where its inspection failed, by a NO_DECISION that is stored and sent, too."""
        self._tally.count(done)
        error = done.exception()
        if error is None:
            request.future.set_result(done.result())
            return
        try:
            refused = self._submit_no_decision(frame, request, reason=reason_of(error))
        except Exception as second:
            request.future.set_exception(second)
            return
        refused.add_done_callback(self._tally.count)
        refused.add_done_callback(lambda end: _pass_on(end, request.future))

    def _submit(self, frame: Optional[Frame], request: _Request) -> "Future[Any]":
        if frame is None:
            return self._submit_no_decision(None, request, reason=FrameFault.STALE.value)
        if frame.fault is not None:
            return self._submit_no_decision(frame, request, reason=frame.fault.value)
        try:
            return self._inspector.submit_newest(
                partial(self._take, frame, request), source=self._camera.name
            )
        except BusyError:
            return self._submit_no_decision(frame, request, reason=BUSY)

    def _take(self, frame: Frame, request: _Request) -> Taken:
        """Return the trigger's frame; called in the moment inference begins, when its age is measured."""
        return Taken(frame.frame, self._origin(frame, request), self._view)

    def _submit_no_decision(
        self, frame: Optional[Frame], request: _Request, *, reason: str
    ) -> "Future[Result]":
        picture = blank_frame() if frame is None else frame.frame
        return self._inspector.submit_no_decision(picture, origin=self._origin(frame, request), reason=reason)

    def _origin(self, frame: Optional[Frame], request: _Request) -> Origin:
        return origin_of(frame, self._settings, request.kind, now_s=self._clock(), lot=request.lot)

    def _first_after(self, at_s: float) -> Optional[Frame]:
        """Wait for a frame captured after `at_s` that no other trigger has had."""
        deadline_s = at_s + self._settings.trigger_timeout_ms / 1000
        while not self._is_stopping.is_set():
            left_s = deadline_s - self._clock()
            if left_s <= 0:
                return None
            frame = self._camera.wait_next(self._last_seq, min(left_s, LOOK_S))
            if frame is None:
                continue
            self._last_seq = frame.seq
            if frame.captured_s > at_s:
                return frame
        return None


def _pass_on(done: "Future[Any]", to: "Future[Result]") -> None:
    error = done.exception()
    if error is not None:
        to.set_exception(error)
    else:
        to.set_result(done.result())
