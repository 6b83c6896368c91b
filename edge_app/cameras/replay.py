"""Recordings that play at a set rate: a folder of images, a video file.

The rate is kept on average: a frame that was late does not delay those behind it.
"""

import time
from pathlib import Path
from typing import Callable, Iterator, Optional, Tuple

import cv2
import numpy as np

from edge_app.cameras.source import SourceError, SourceRequest
from inspector.errors import ImageError
from inspector.image_file import IMAGE_SUFFIXES, read_frame

FOLDER_FPS, VIDEO_FPS = 1.0, 25.0

OpenFrames = Callable[[], Iterator[np.ndarray]]


class ReplaySource:
    """Plays frames at `fps`, once or for ever; a frame counts as captured at its turn."""

    def __init__(
        self,
        open_frames: OpenFrames,
        *,
        fps: float,
        loop: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.fps: Optional[float] = fps
        self._interval_s = 1 / fps
        self._open_frames, self._loop = open_frames, loop
        self._clock, self._sleep = clock, sleep
        self._frames = open_frames()
        self._next_s = clock()

    def read(self) -> Optional[Tuple[np.ndarray, float]]:
        """Return the next frame at its turn, or None at the end."""
        frame = next(self._frames, None)
        if frame is None and self._loop:
            self._frames = self._open_frames()
            frame = next(self._frames, None)
        if frame is None:
            return None
        now_s = self._clock()
        if self._next_s > now_s:
            self._sleep(self._next_s - now_s)
        elif now_s - self._next_s > self._interval_s:  # far behind: go on from here, no burst
            self._next_s = now_s
        self._next_s += self._interval_s
        return frame, self._clock()


def open_folder(request: SourceRequest) -> ReplaySource:
    """Play the images of a folder in the order of their names, 1 a second if no rate is set."""
    folder = Path(request.place)
    if not any(_is_image(path) for path in _entries(folder)):
        raise SourceError(f"the folder {folder.name} holds no images")
    return ReplaySource(lambda: _images(folder), fps=request.fps or FOLDER_FPS, loop=request.loop)


def open_video(request: SourceRequest) -> ReplaySource:
    """Play a video file, at its own rate if none is set."""
    capture = cv2.VideoCapture(request.place)
    fps = float(capture.get(cv2.CAP_PROP_FPS)) if capture.isOpened() else 0.0
    capture.release()
    if next(_video_frames(request.place), None) is None:
        raise SourceError(f"{Path(request.place).name} is not a video that can be read")
    rate = request.fps or (fps if 0.1 <= fps <= 240 else VIDEO_FPS)
    return ReplaySource(lambda: _video_frames(request.place), fps=rate, loop=request.loop)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(folder.iterdir())
    except OSError as error:
        raise SourceError(f"the folder {folder.name} cannot be read: {error.strerror}") from error


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _images(folder: Path) -> Iterator[np.ndarray]:
    """Yield the images that can be read; the folder is listed anew at each round."""
    for path in _entries(folder):
        if not _is_image(path):
            continue
        try:
            yield read_frame(path)
        except ImageError:  # one bad file among good ones stops no replay
            continue


def _video_frames(path: str) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(path)
    try:
        while True:
            done, frame = capture.read()
            if not done:
                return
            yield frame
    finally:
        capture.release()
