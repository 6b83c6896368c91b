"""The cameras: settings, and how they do."""

from typing import List, Optional

from pydantic import Field

from edge_app.cameras.camera_set import CameraStatus
from edge_app.routes.records.record import Record
from edge_app.services.camera import CameraSettings, CameraState, CameraStats, FrameFault
from edge_app.services.result import Outcome
from edge_app.services.tally import StationStats


class CameraStatsOut(Record):
    """How a camera does."""

    state: CameraState
    fps: float
    num_frames: int
    num_restarts: int = Field(description="Times that its process was started again.")
    last_error: str
    age_ms: Optional[float] = Field(description="Of the newest frame, by the monotonic clock.")
    width: int
    height: int
    fault: Optional[FrameFault] = Field(description="Why frames get no decision now.")

    @classmethod
    def of(cls, stats: CameraStats) -> "CameraStatsOut":
        return cls(
            state=stats.state,
            fps=stats.fps,
            num_frames=stats.num_frames,
            num_restarts=stats.num_restarts,
            last_error=stats.last_error,
            age_ms=stats.age_ms,
            width=stats.width,
            height=stats.height,
            fault=stats.fault,
        )


class StationOut(Record):
    """What became of the frames."""

    num_inspected: int
    num_no_decision: int
    num_failed: int
    last_verdict: Optional[Outcome]
    last_error: str
    age_ms: Optional[float] = Field(description="The last inspected frame's, when inference began.")

    @classmethod
    def of(cls, stats: StationStats) -> "StationOut":
        return cls(
            num_inspected=stats.num_inspected,
            num_no_decision=stats.num_no_decision,
            num_failed=stats.num_failed,
            last_verdict=stats.last_outcome,
            last_error=stats.last_error,
            age_ms=stats.age_ms,
        )


class CameraOut(Record):
    """One camera."""

    settings: CameraSettings = Field(description="Logins and passwords are `***`.")
    kind: str = Field(description="`v4l2`, `csi`, `rtsp`, `mjpeg`, `video`, `folder` or `drop`.")
    camera: Optional[CameraStatsOut] = Field(description="Null where files are dropped into a folder.")
    station: StationOut
    mqtt_error: str = Field(description="Why no MQTT trigger can come; empty when it can.")

    @classmethod
    def of(cls, status: CameraStatus) -> "CameraOut":
        return cls(
            settings=status.settings,
            kind=status.settings.kind,
            camera=None if status.camera is None else CameraStatsOut.of(status.camera),
            station=StationOut.of(status.station),
            mqtt_error=status.mqtt_error,
        )


class CamerasOut(Record):
    """All cameras, by name."""

    items: List[CameraOut]
