"""CSI cameras through a `gst-launch-1.0` process, frames come over a pipe; the same with a test picture.

Source: jetson.md section 7: OpenCV's wheels have no GStreamer, a pipe needs none.
"""

import shutil
import signal
import subprocess
import sys
import time
from typing import List, Optional, Tuple

import cv2
import numpy as np

from edge_app.cameras.source import SourceError, SourceRequest

WIDTH, HEIGHT, FPS = 1280, 720, 30.0
CHANNELS = 4  # BGRx: the hardware converter writes it, and the fourth byte is cheaper dropped than converted
PROGRAM = "gst-launch-1.0"


def pipeline(request: SourceRequest) -> List[str]:
    """Return the pipeline's words: source, conversion, a queue of one that drops the older frame, pipe."""
    width, height = request.width or WIDTH, request.height or HEIGHT
    size, rate = f"width={width},height={height}", f"framerate={round((request.fps or FPS) * 1000)}/1000"
    frames = f"video/x-raw,{size},format=BGRx"
    if request.kind == "csi":
        source = [
            *("nvarguscamerasrc", f"sensor-id={int(request.place)}", "!"),
            *(f"video/x-raw(memory:NVMM),{size},{rate},format=NV12", "!"),
            *("nvvidconv", "flip-method=0", "!", frames, "!"),
        ]
    else:
        source = ["videotestsrc", "is-live=true", "pattern=smpte", "!", f"{frames},{rate}", "!"]
    return [
        *source,
        *("queue", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0", "leaky=downstream", "!"),
        *("fdsink", "fd=1", "sync=false"),
    ]


class PipeSource:
    """Frames of a fixed size from the pipe of a GStreamer process."""

    def __init__(self, request: SourceRequest) -> None:
        if shutil.which(PROGRAM) is None:
            raise SourceError(f"{PROGRAM} is not installed; install gstreamer1.0-tools")
        self.fps: Optional[float] = request.fps or FPS
        self._height, self._width = request.height or HEIGHT, request.width or WIDTH
        self._buffer = np.empty((self._height, self._width, CHANNELS), np.uint8)
        # A request to end must not leave the process behind as a zombie of whoever adopts it.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._process = subprocess.Popen(
            [PROGRAM, "-q", *pipeline(request)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0
        )

    def read(self) -> Optional[Tuple[np.ndarray, float]]:
        """Wait for the next frame, stamped when its first byte came; SourceError when the pipe has closed."""
        assert self._process.stdout is not None
        view = self._buffer.data.cast("B")
        captured_s = None
        try:
            while view:
                count = self._process.stdout.readinto(view)  # type: ignore[attr-defined]
                if not count:
                    raise SourceError(f"{PROGRAM} ended with status {self._process.wait()}")
                captured_s = captured_s or time.monotonic()
                view = view[count:]
        except BaseException:
            self.close()
            raise
        assert captured_s is not None
        return cv2.cvtColor(self._buffer, cv2.COLOR_BGRA2BGR), captured_s

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        self._process.wait()
