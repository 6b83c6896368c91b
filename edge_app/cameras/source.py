"""What a camera's process is asked to open, and what every kind of source offers."""

import json
from dataclasses import asdict, dataclass
from typing import Optional, Protocol, Tuple

import numpy as np


class SourceError(Exception):
    """A source cannot be opened, or gives no more frames; the server shows the text, without credentials."""


@dataclass(frozen=True)
class SourceRequest:
    """One source, as the server hands it to the camera's process.

    kind: `v4l2`, `csi`, `test`, `rtsp`, `mjpeg`, `video`, `folder`.
    place: a device, a sensor's number, a path, or for `rtsp` the whole URL with the checked IP.
    host, port, ip, target, username, password, is_tls: of `mjpeg` alone.
    """

    kind: str
    place: str
    fps: Optional[float] = None
    width: Optional[int] = None
    height: Optional[int] = None
    timeout_s: float = 2.0
    delay_ms: float = 0.0
    loop: bool = True
    first_seq: int = 1
    host: str = ""
    port: int = 0
    ip: str = ""
    target: str = ""
    username: str = ""
    password: str = ""
    is_tls: bool = False

    def to_json(self) -> str:
        """Return the request as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "SourceRequest":
        """Read what `to_json` gave."""
        return cls(**json.loads(text))


class Source(Protocol):
    """An open source. `read` waits for the next frame."""

    @property
    def fps(self) -> Optional[float]:
        """How many frames a second are to be expected, where that is known."""

    def read(self) -> Optional[Tuple[np.ndarray, float]]:
        """Return a frame, uint8 (H, W, 3) BGR, and when it was captured, monotonic; None at the end.

        Raises:
            SourceError: there are no more frames, though this is no recording.
        """
