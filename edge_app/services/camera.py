"""What a camera is to the rest of the server: frames, their ages, statistics, and checked settings."""

from dataclasses import dataclass
from enum import Enum
from typing import List, Optional, Protocol, Tuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from inspector.errors import InputError
from inspector.tiling import PLAIN, Tiles, View


class CameraError(InputError):
    """A camera's settings or address cannot be used, or there is no camera of this name."""


class CameraState(str, Enum):
    """STUCK: the process cannot be ended (it hangs in the kernel, for example in a USB driver)."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"  # for the next attempt
    ENDED = "ended"  # a recording was played to its end
    STUCK = "stuck"


class FrameFault(str, Enum):
    """Why a frame cannot be trusted; the value is the `reason` of its NO_DECISION."""

    FROZEN = "frozen"
    BLACK = "black"
    WHITE = "white"
    STALE = "stale"


@dataclass(frozen=True)
class Frame:
    """One frame of a camera, uint8 (H, W, 3) BGR, that nobody writes to.

    seq: counts up from 1, also over restarts.  captured_s: monotonic clock, the only one for ages.
    captured_ms: wall clock, UTC, for people.  fault: why it must not be judged.
    """

    frame: np.ndarray
    seq: int
    captured_s: float
    captured_ms: int
    fault: Optional[FrameFault] = None


@dataclass(frozen=True)
class CameraStats:
    """How a camera is doing. `last_error` has no credentials; `age_ms` is the newest frame's, monotonic."""

    state: CameraState
    fps: float
    num_frames: int
    num_restarts: int
    last_error: str
    age_ms: Optional[float]
    width: int
    height: int
    fault: Optional[FrameFault] = None


class Camera(Protocol):
    """A source of frames. Only the newest frame is kept; no method but `wait_next` and `stop` waits."""

    @property
    def name(self) -> str: ...

    def latest(self) -> Optional[Frame]:
        """Return the newest frame, however old it is."""

    def wait_for_newer(self, after_seq: int, timeout_s: float) -> bool:
        """Wait until there is a frame with a higher number; False after `timeout_s`. Nothing is copied."""

    def wait_next(self, after_seq: int, timeout_s: float) -> Optional[Frame]:
        """Return the newest frame with a higher number, waiting for it; None after `timeout_s`."""

    def stats(self) -> CameraStats: ...

    def start(self) -> None: ...

    def stop(self) -> None:
        """End the camera's process, and return when it is gone or cannot be ended."""


class Trigger(str, Enum):
    """When a frame is inspected."""

    CONTINUOUS = "continuous"
    HTTP = "http"
    MQTT = "mqtt"
    FILE = "file"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TilesSettings(_Record):
    """Overlapping tiles for frames much larger than the network's input; see `inspector.tiling.Tiles`."""

    size_px: Optional[int] = Field(None, ge=8, le=10_000, description="Shorter side of a tile, frame pixels.")
    overlap: float = Field(0.25, ge=0, le=0.5)


class MqttTriggerSettings(_Record):
    """Each message on a topic inspects one frame. A JSON payload may carry `lot`."""

    host: str = Field("127.0.0.1", min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")
    port: int = Field(1883, ge=1, le=65535)
    topic: str = Field(..., min_length=1, max_length=200, pattern=r"^[^#+\x00]+$")
    username: str = Field("", max_length=200)
    password: str = Field("", max_length=200)


class FileTriggerSettings(_Record):
    """A folder of the server whose dropped images are inspected once each, then moved aside or left."""

    folder: str = Field(..., pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,100}$")
    then: str = Field("move", pattern=r"^(move|leave)$")


class CameraSettings(_Record):
    """One camera. Points are (x, y) as shares of the frame's width and height.

    address: `v4l2:0`, `csi:0`, `rtsp://`, `rtsps://`, `http://`, `https://` (MJPEG), `video:NAME`,
        `folder:NAME`; empty with the `file` trigger, which needs no camera.
    fps: asked of a device, set for a replay; None: what it gives, 1 for a folder.
    timeout_s: the longest without a frame, also while opening; raise it where key frames are further apart.
    delay_ms: from exposure to arrival here, taken off every time stamp.
    frozen_s: identical frames for so long are `frozen`; None for a source that may stand still.
    loop: start a recording again at its end.
    """

    name: str = Field(..., pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")
    address: str = Field("", max_length=2000)
    fps: Optional[float] = Field(None, gt=0, le=240)
    width: Optional[int] = Field(None, ge=16, le=16_384)
    height: Optional[int] = Field(None, ge=16, le=16_384)
    trigger: Trigger = Trigger.CONTINUOUS
    min_interval_ms: float = Field(0, ge=0, le=3_600_000)
    trigger_timeout_ms: float = Field(2000, ge=50, le=60_000)
    mqtt: Optional[MqttTriggerSettings] = None
    file: Optional[FileTriggerSettings] = None
    roi: List[Tuple[float, float]] = Field(default_factory=list)
    ignore: List[List[Tuple[float, float]]] = Field(default_factory=list)
    tiles: Optional[TilesSettings] = None
    lot: str = Field("", max_length=100)
    timeout_s: float = Field(2.0, ge=0.5, le=30)
    delay_ms: float = Field(0, ge=0, le=10_000)
    frozen_s: Optional[float] = Field(1.5, ge=0.2, le=3600)
    loop: bool = True

    @field_validator("name")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == "rest":
            raise ValueError("`rest` is the source of posted photos; choose another name")
        return name

    @model_validator(mode="after")
    def _is_whole(self) -> "CameraSettings":
        for trigger, settings in ((Trigger.MQTT, self.mqtt), (Trigger.FILE, self.file)):
            if (self.trigger is trigger) != (settings is not None):
                raise ValueError(
                    f"`{trigger.value}` settings go with the trigger `{trigger.value}`, and only so"
                )
        if bool(self.address) == (self.trigger is Trigger.FILE):
            raise ValueError("the `file` trigger has no address; every other trigger needs one")
        if (self.width is None) != (self.height is None):
            raise ValueError("give both width and height, or neither")
        try:
            self.view()
        except InputError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def kind(self) -> str:
        """`v4l2`, `csi`, `rtsp`, `mjpeg`, `video`, `folder` or `drop`."""
        scheme = self.address.split(":", 1)[0].lower()
        return {"": "drop", "rtsps": "rtsp", "http": "mjpeg", "https": "mjpeg"}.get(scheme, scheme)

    def view(self) -> Optional[View]:
        """Return what of a frame is inspected; None for the whole frame in one piece.

        Raises:
            InputError: a polygon is not possible.
        """
        tiles = None if self.tiles is None else Tiles(size_px=self.tiles.size_px, overlap=self.tiles.overlap)
        view = View(tuple(self.roi), tuple(tuple(polygon) for polygon in self.ignore), tiles)
        return None if view == PLAIN else view
