"""One camera's inspections: what a station is, and what it asks of the hub.

A frame is inspected once at most. Continuously, the newest is taken in the moment inference begins. On a
trigger, it is the first one that was captured after the trigger; where none comes in time there is no
decision. A frame with a fault never gets to the network.

An inspection that fails is recorded as no decision, too: without a record no gate would hear of the part.
"""

from concurrent.futures import Future
from typing import Callable, Optional, Protocol

import numpy as np

from edge_app.services.bounded_worker import BusyError
from edge_app.services.camera import CameraSettings, Frame, Trigger
from edge_app.services.result import Origin, Result
from edge_app.services.shot import Taken
from edge_app.services.tally import StationStats

BLANK_HW = (48, 64)
BUSY, ERROR = "busy", "error"  # reasons of a NO_DECISION that lie with the inspector and not with the frame


class FrameInspector(Protocol):
    """What a station asks of the hub; `InspectionService` is one."""

    def submit_newest(
        self, take: Callable[[], Optional[Taken]], *, source: str
    ) -> "Future[Optional[Result]]": ...

    def submit_no_decision(self, frame: np.ndarray, *, origin: Origin, reason: str) -> "Future[Result]": ...


class Station(Protocol):
    """Inspects the frames of one camera."""

    @property
    def stats(self) -> StationStats: ...

    def start(self) -> None: ...

    def stop(self) -> None:
        """Take no more frames; returns when the last one was handed on."""

    def trigger(self, kind: Trigger, *, lot: str = "") -> "Future[Result]":
        """Ask for the inspection of the next frame.

        Raises:
            CameraError: this camera takes no triggers.
            BusyError: too many are waiting.
        """


def origin_of(
    frame: Optional[Frame],
    settings: CameraSettings,
    trigger: Trigger,
    *,
    now_s: float,
    lot: str = "",
) -> Origin:
    """Return where a frame, or the lack of one, came from; `now_s` is the monotonic clock."""
    return Origin(
        source=settings.name,
        trigger=trigger.value,
        lot=lot or settings.lot,
        captured_ms=None if frame is None else frame.captured_ms,
        frame_age_ms=None if frame is None else (now_s - frame.captured_s) * 1000,
    )


def reason_of(error: BaseException) -> str:
    """Return the `reason` of the NO_DECISION for a frame whose inspection failed with `error`."""
    return BUSY if isinstance(error, BusyError) else ERROR


def blank_frame() -> np.ndarray:
    """Return the picture of a photo that does not exist: black, so that no old one is taken for it."""
    return np.zeros((*BLANK_HW, 3), np.uint8)
