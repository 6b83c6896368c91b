"""All cameras of the server: added, changed and removed while it runs, and kept in one file."""

import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from pydantic import TypeAdapter, ValidationError

from edge_app.access.addresses import check_camera_address
from edge_app.cameras.address import HIDDEN, CheckAddress, below, hidden_login, source_request
from edge_app.cameras.line import Inspector, Line
from edge_app.cameras.mqtt_trigger import broker_ip
from edge_app.services.camera import (
    CameraError,
    CameraSettings,
    CameraStats,
    Frame,
    MqttTriggerSettings,
    Trigger,
)
from edge_app.services.result import Result
from edge_app.services.tally import StationStats
from inspector.errors import StorageError
from inspector.output_file import write_file

MAX_CAMERAS = 16

_SETTINGS = TypeAdapter(List[CameraSettings])


class NoSuchCameraError(CameraError):
    """There is no camera of this name."""


class CameraExistsError(CameraError):
    """There is a camera of this name already."""


@dataclass(frozen=True)
class CameraStatus:
    """A camera as answers may show it: logins and passwords in `settings` are `***`.

    camera: None where files are dropped.  mqtt_error: why no MQTT trigger can come, empty when it can.
    """

    settings: CameraSettings
    camera: Optional[CameraStats]
    station: StationStats
    mqtt_error: str = ""


class CameraSet:
    """The cameras. Safe between threads; a change returns when it is on disk."""

    def __init__(
        self,
        path: Path,
        inspector: Inspector,
        *,
        recordings: Path,
        check: CheckAddress = check_camera_address,
    ) -> None:
        """Hold the cameras of the file `path`, which need not exist; `start` starts them.

        Args:
            recordings: The folder that `video:NAME`, `folder:NAME` and dropped files are looked for in.
            check: Says whether a camera's address may be connected to.
        """
        self._path, self._inspector, self._recordings, self._check = path, inspector, recordings, check
        self._changing = threading.Lock()
        self._lines: Dict[str, Line] = {}

    def start(self) -> None:
        """Start the cameras of the file. One whose address is wrong now is kept, and says so in its status.

        Raises:
            CameraError: the file cannot be read.
        """
        with self._changing:
            for settings in self._read():
                self._lines[settings.name] = self._started(settings)

    def close(self) -> None:
        """Stop all cameras, side by side."""
        with self._changing:
            lines, self._lines = list(self._lines.values()), {}
            if lines:
                with ThreadPoolExecutor(len(lines)) as pool:
                    list(pool.map(Line.stop, lines))

    def list(self) -> List[CameraStatus]:
        """Return how all cameras are doing, by name."""
        lines = dict(self._lines)
        return [_status(lines[name]) for name in sorted(lines)]

    def get(self, name: str) -> CameraStatus:
        """Return how one camera is doing; NoSuchCameraError."""
        return _status(self._line(name))

    def latest(self, name: str) -> Optional[Frame]:
        """Return the newest frame of a camera, None while there is none; NoSuchCameraError."""
        camera = self._line(name).camera
        return None if camera is None else camera.latest()

    def trigger(self, name: str, *, lot: str = "") -> "Future[Result]":
        """Have the next frame of a camera inspected.

        Raises:
            NoSuchCameraError: there is no camera of this name.
            CameraError: it takes no triggers.
            BusyError: too many triggers are waiting.
        """
        return self._line(name).station.trigger(Trigger.HTTP, lot=lot)

    def add(self, settings: CameraSettings) -> CameraStatus:
        """Add a camera and start it; it need not answer yet.

        Raises:
            CameraExistsError: the name is taken.
            CameraError, AddressError: its address, recording or folder cannot be used, or there are 16.
            StorageError: the file cannot be written; nothing has changed.
        """
        with self._changing:
            if settings.name in self._lines:
                raise CameraExistsError(
                    f"there is a camera {settings.name} already; change it, or take another name"
                )
            if len(self._lines) >= MAX_CAMERAS:
                raise CameraError(f"there are {MAX_CAMERAS} cameras, which is the limit; remove one first")
            self._check_now(settings)
            self._write([*(line.settings for line in self._lines.values()), settings])
            line = self._lines[settings.name] = self._started(settings)
        return _status(line)

    def replace(self, name: str, settings: CameraSettings) -> CameraStatus:
        """Change a camera, also its name; a login or password given as `***` stays what it was.

        Raises:
            NoSuchCameraError: there is no camera of this name; else as `add`.
        """
        with self._changing:
            before = self._line(name)
            settings = _with_secrets_of(before.settings, settings)
            if settings.name != name and settings.name in self._lines:
                raise CameraExistsError(f"there is a camera {settings.name} already; take another name")
            self._check_now(settings)
            others = [line.settings for key, line in self._lines.items() if key != name]
            self._write([*others, settings])
            before.stop()
            del self._lines[name]
            line = self._lines[settings.name] = self._started(settings)
        return _status(line)

    def remove(self, name: str) -> None:
        """Stop a camera and forget it; NoSuchCameraError, StorageError."""
        with self._changing:
            line = self._line(name)
            self._write([other.settings for key, other in self._lines.items() if key != name])
            del self._lines[name]
            line.stop()

    def _line(self, name: str) -> Line:
        line = self._lines.get(name)
        if line is None:
            names = ", ".join(sorted(self._lines)) or "none"
            raise NoSuchCameraError(f"there is no camera {name[:40]!r}; there are: {names}")
        return line

    def _started(self, settings: CameraSettings) -> Line:
        line = Line(settings, self._inspector, recordings=self._recordings, check=self._check)
        line.start()
        return line

    def _check_now(self, settings: CameraSettings) -> None:
        """Refuse what cannot work, before anything is changed."""
        if settings.file is not None:
            below(self._recordings, settings.file.folder)
        else:
            source_request(settings, recordings=self._recordings, check=self._check)
        if settings.mqtt is not None:
            broker_ip(settings.mqtt)

    def _read(self) -> List[CameraSettings]:
        if not self._path.exists():
            return []
        try:
            return _SETTINGS.validate_json(self._path.read_bytes())
        except OSError as error:
            raise StorageError(f"{self._path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise CameraError(
                f"{self._path} cannot be used: {where}: {first['msg']}; mend or remove it"
            ) from error

    def _write(self, cameras: List[CameraSettings]) -> None:
        records = [camera.model_dump(mode="json") for camera in cameras]
        write_file(self._path, json.dumps(records, indent=2).encode(), mode=0o600)


def _status(line: Line) -> CameraStatus:
    return CameraStatus(
        settings=shown(line.settings),
        camera=None if line.camera is None else line.camera.stats(),
        station=line.station.stats,
        mqtt_error="" if line.mqtt is None else line.mqtt.last_error,
    )


def shown(settings: CameraSettings) -> CameraSettings:
    """Return the settings as answers may have them."""
    mqtt = settings.mqtt
    if mqtt is not None and mqtt.password:
        mqtt = mqtt.model_copy(update={"password": HIDDEN})
    return settings.model_copy(update={"address": hidden_login(settings.address), "mqtt": mqtt})


def _with_secrets_of(before: CameraSettings, after: CameraSettings) -> CameraSettings:
    """Put back what `shown` took out, where it came back unchanged."""
    mqtt: Optional[MqttTriggerSettings] = after.mqtt
    if mqtt is not None and mqtt.password == HIDDEN and before.mqtt is not None:
        mqtt = mqtt.model_copy(update={"password": before.mqtt.password})
    address = before.address if after.address == hidden_login(before.address) else after.address
    return after.model_copy(update={"address": address, "mqtt": mqtt})
