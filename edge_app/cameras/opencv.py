"""Sources that OpenCV reads: USB cameras through V4L2, and RTSP streams through FFmpeg.

Source: edge_reliability.md section 4, jetson.md section 7. Each runs in a process of its own, since OpenCV
opens one source at a time in a process and may block in it; `process.ENVIRONMENT` has FFmpeg's options.
"""

import time
from typing import List, Optional, Tuple

import cv2
import numpy as np

from edge_app.cameras.source import SourceError, SourceRequest

OLDEST_DRIVER_STAMP_S = 10.0


class CaptureSource:
    """A device or stream behind `cv2.VideoCapture`."""

    def __init__(self, capture: cv2.VideoCapture, request: SourceRequest, *, has_stamps: bool) -> None:
        self._capture = capture
        self._has_stamps = has_stamps
        self._what = request.kind
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        self.fps: Optional[float] = fps if 0.1 <= fps <= 240 else request.fps

    def read(self) -> Optional[Tuple[np.ndarray, float]]:
        """Wait for the next frame; SourceError when there is none."""
        if not self._capture.grab():
            raise SourceError(f"the {self._what} camera gives no more frames")
        arrived_s = time.monotonic()
        captured_s = self._driver_stamp(arrived_s) if self._has_stamps else arrived_s
        done, frame = self._capture.retrieve()
        if not done:
            raise SourceError(f"a frame of the {self._what} camera cannot be decoded")
        return frame, captured_s

    def _driver_stamp(self, arrived_s: float) -> float:
        """When the driver finished the buffer: V4L2 stamps by the monotonic clock, most drivers at least."""
        stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        return stamp_s if 0 <= arrived_s - stamp_s <= OLDEST_DRIVER_STAMP_S else arrived_s


def open_v4l2(request: SourceRequest) -> CaptureSource:
    """Open a USB camera, asking for MJPEG, which alone is fast enough over USB 2 above VGA."""
    capture = cv2.VideoCapture(request.place, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceError(f"{request.place} cannot be opened; is it plugged in, and used by nobody else?")
    capture.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter_fourcc(*"MJPG")))  # type: ignore[attr-defined]
    if request.width is not None and request.height is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, request.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, request.height)
    if request.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, request.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return CaptureSource(capture, request, has_stamps=True)


def open_rtsp(request: SourceRequest) -> CaptureSource:
    """Open an RTSP stream over TCP."""
    timeout_ms = int(request.timeout_s * 1000)
    parameters: List[int] = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms),
    ]
    capture = cv2.VideoCapture(request.place, cv2.CAP_FFMPEG, parameters)
    if not capture.isOpened():
        raise SourceError(
            f"the RTSP server refuses, or gives no stream within {request.timeout_s:g} s; check address and "
            "password, or raise timeout_s"
        )
    return CaptureSource(capture, request, has_stamps=False)
