"""What the hub is given to inspect: an uploaded photo, or a camera's newest frame."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

import numpy as np

from edge_app.services.result import Origin, Photo
from edge_app.services.threshold_override import ThresholdOverride
from inspector.view import View

NO_OVERRIDE = ThresholdOverride()


def new_id() -> str:
    """Return 16 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(8)


def now_ms() -> int:
    """Return the wall-clock time, milliseconds since 1970, UTC."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class Taken:
    """A camera's frame at the moment its turn has come: uint8 (H, W, 3) BGR, and nobody else writes to it.

    With `no_decision`, a short word, the frame cannot be trusted and no network sees it.
    """

    frame: np.ndarray
    origin: Origin
    view: Optional[View] = None
    no_decision: str = ""


@dataclass(frozen=True)
class Shot:
    """One photo or frame on its way to the result `id`; `frame` decodes the photo, or returns the frame.

    It is made when a photo has come in, or in the moment a frame's turn has come. created_ms: wall clock, for
    people.  created_s: the same moment by the monotonic clock.
    """

    photo: Photo
    origin: Origin
    frame: Callable[[], np.ndarray]
    view: Optional[View] = None
    override: ThresholdOverride = NO_OVERRIDE
    id: str = field(default_factory=new_id)
    created_ms: int = field(default_factory=now_ms)
    created_s: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, taken: Taken) -> "Shot":
        """Return the shot of a camera."""
        return cls(Photo(frame=taken.frame), taken.origin, lambda: taken.frame, taken.view)
