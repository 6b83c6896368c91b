"""What a frame tells about its own trustworthiness, measured where it is captured; and how it travels.

Source: edge_reliability.md section 4 (checksum of 64x48 gray; a live sensor's noise never repeats).
Differs from the source: the checksum also covers single pixels of a grid, since an average hides weak noise.
"""

import zlib
from dataclasses import dataclass

import cv2
import numpy as np

SMALL_WIDTH, SMALL_HEIGHT = 64, 48
DARK_SHARE, LIGHT_SHARE = 0.01, 0.99


@dataclass(frozen=True)
class FrameFacts:
    """What is known of a frame without its pixels.

    captured_s: monotonic clock.  captured_ms: wall clock.  fingerprint: equal for identical frames.
    darkest, lightest: gray levels, 0..255, that 1 % of the small picture is below, and above.
    """

    seq: int
    captured_s: float
    captured_ms: int
    height: int
    width: int
    fingerprint: int
    darkest: float
    lightest: float


def measured(frame: np.ndarray, *, seq: int, captured_s: float, captured_ms: int) -> FrameFacts:
    """Return the facts of a frame, uint8 (H, W, 3) BGR."""
    height, width = frame.shape[:2]
    small = cv2.resize(frame, (SMALL_WIDTH, SMALL_HEIGHT), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    grid = frame[:: max(1, height // SMALL_HEIGHT), :: max(1, width // SMALL_WIDTH)]
    fingerprint = zlib.crc32(np.ascontiguousarray(grid).tobytes(), zlib.crc32(gray.tobytes()))
    darkest, lightest = np.quantile(gray, (DARK_SHARE, LIGHT_SHARE))
    return FrameFacts(
        seq, captured_s, captured_ms, height, width, fingerprint, float(darkest), float(lightest)
    )
