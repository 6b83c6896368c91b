"""One inspected photo, as the core hands it to the store, the outbox, the live page and the drift monitor."""

import threading
from dataclasses import dataclass
from enum import Enum
from typing import Optional, Tuple

import cv2
import numpy as np

from inspector.image_file import checked_header, decode
from inspector.postprocess import Judgement, Region, Thresholds
from inspector.render import encode_jpeg
from inspector.view import Layout, View, lay_out

PHOTO_QUALITY = 92
_REDUCED = (
    (8, cv2.IMREAD_REDUCED_COLOR_8),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
)


class Outcome(str, Enum):
    """What happens to a part. NO_DECISION is never a PASS: the photo could not be trusted."""

    PASS = "PASS"
    REVIEW = "REVIEW"
    FAIL = "FAIL"
    NO_DECISION = "NO_DECISION"


class Photo:
    """A photo as a file: as it was sent, or encoded from a camera's frame when somebody first asks for it."""

    def __init__(
        self,
        *,
        frame: Optional[np.ndarray] = None,
        data: Optional[bytes] = None,
        media_type: str = "image/jpeg",
    ) -> None:
        """Hold `data`, an image file of `media_type`, or `frame`, uint8 (H, W, 3) BGR, for a JPEG."""
        if (frame is None) == (data is None):
            raise ValueError("a photo is made of a frame or of a file's bytes, one of them")
        self.media_type = media_type
        self._frame = frame
        self._data = data
        self._lock = threading.Lock()

    @property
    def data(self) -> bytes:
        """The file."""
        with self._lock:
            if self._data is None:
                assert self._frame is not None
                self._data = encode_jpeg(self._frame, quality=PHOTO_QUALITY)
                self._frame = None
            return self._data

    def for_picture(self, *, max_side_px: int) -> np.ndarray:
        """Return a frame, uint8 (h, w, 3) BGR, to draw on a picture of at most `max_side_px` a side.

        A large file is decoded at a half, a quarter or an eighth of its size: good enough to look at, not to
        inspect. ImageError where it cannot be decoded.
        """
        with self._lock:
            frame, data = self._frame, self._data
        if frame is not None:
            return frame
        assert data is not None
        header = checked_header(data)
        scale = max(header.width, header.height) // max_side_px
        flags = next((flag for least, flag in _REDUCED if scale >= least), cv2.IMREAD_COLOR)
        return decode(data, header, flags=flags)

    @property
    def num_bytes(self) -> int:
        """How much memory the photo holds now."""
        with self._lock:
            return len(self._data) if self._data is not None else int(_some(self._frame).nbytes)


@dataclass(frozen=True)
class Origin:
    """Where a photo came from. `captured_ms` is wall-clock time, UTC, for people; ages never use it.

    source: `rest`, or the camera's name.  trigger: `http`, `continuous`, `mqtt`, `file`.
    frame_age_ms: how old the frame was when inference began, by the monotonic clock.
    """

    source: str = "rest"
    trigger: str = "http"
    lot: str = ""
    captured_ms: Optional[int] = None
    frame_age_ms: Optional[float] = None


@dataclass(frozen=True)
class ModelVersion:
    """Which model answered: the bundle's digest (SHA-256, hex) is its identity."""

    digest: str
    name: str
    version: str
    runner: str = ""


@dataclass(frozen=True)
class FrameQuality:
    """Brightness and focus of the frame at network input size, as `inspector.reference` measures them."""

    brightness: float
    focus: float


@dataclass(frozen=True)
class ShadowAnswer:
    """What the shadow model said of the same photo."""

    model: ModelVersion
    outcome: Outcome
    image_score: float


@dataclass(frozen=True)
class Result:
    """One inspected photo.

    `score` is float32 (H, W), not smoothed; `judgement` is at that size; `regions` are its regions in the
    photo's pixels. With NO_DECISION there is neither, and `reason` is a short word: `frozen`, `black`,
    `stale`. `threshold_version` counts the device's own threshold changes: 0 is the bundle's own, None those
    that one request asked for. `view` is what of the photo was looked at, None for the whole in one piece,
    and `input_hw` the network's input size: together they say how the map lies on the photo (`layout`).
    `created_s` is the moment of `created_ms`, before the network ran, by the monotonic clock.
    """

    id: str
    created_ms: int
    outcome: Outcome
    origin: Origin
    model: ModelVersion
    thresholds: Thresholds
    frame_hw: Tuple[int, int]
    photo: Photo
    threshold_version: Optional[int] = 0
    reason: str = ""
    image_score: Optional[float] = None
    regions: Tuple[Region, ...] = ()
    score: Optional[np.ndarray] = None
    judgement: Optional[Judgement] = None
    latency_ms: Optional[float] = None
    quality: Optional[FrameQuality] = None
    shadow: Optional[ShadowAnswer] = None
    view: Optional[View] = None
    input_hw: Optional[Tuple[int, int]] = None
    created_s: Optional[float] = None

    @property
    def layout(self) -> Optional[Layout]:
        """How the score map lies on the photo; None where it covers the whole of it."""
        if self.view is None or self.input_hw is None:
            return None
        return lay_out(self.view, self.frame_hw, input_hw=self.input_hw)


def _some(frame: Optional[np.ndarray]) -> np.ndarray:
    assert frame is not None
    return frame
