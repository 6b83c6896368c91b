"""One camera with all that belongs to it: its process, its station, and what triggers it."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any, Optional, Protocol

from edge_app.cameras.address import CheckAddress, below, source_request
from edge_app.cameras.drop_folder import DropFolder
from edge_app.cameras.mqtt_trigger import MqttTrigger
from edge_app.cameras.supervisor import SupervisedCamera
from edge_app.services.camera import Camera, CameraSettings, Trigger
from edge_app.services.continuous_station import ContinuousStation
from edge_app.services.result import Origin
from edge_app.services.station import FrameInspector, Station
from edge_app.services.triggered_station import TriggeredStation
from inspector.view import View


class Inspector(FrameInspector, Protocol):
    """What a camera set asks of the hub: frames, and files as they are."""

    def submit(
        self, photo: bytes, *, media_type: str, origin: Origin, view: Optional[View] = None
    ) -> "Future[Any]": ...


class Line:
    """A camera, or a folder of files, that is inspected."""

    def __init__(
        self, settings: CameraSettings, inspector: Inspector, *, recordings: Path, check: CheckAddress
    ) -> None:
        """Put the parts together; nothing runs, and no address is looked up, before `start`."""
        self.settings = settings
        self.camera: Optional[Camera] = None
        self.mqtt: Optional[MqttTrigger] = None
        if settings.file is not None:
            name = settings.file.folder
            self.station: Station = DropFolder(lambda: below(recordings, name), settings, inspector.submit)
            return
        self.camera = SupervisedCamera(
            settings,
            lambda seq: source_request(settings, recordings=recordings, first_seq=seq, check=check),
        )
        if settings.trigger is Trigger.CONTINUOUS:
            self.station = ContinuousStation(self.camera, settings, inspector)
        else:
            self.station = TriggeredStation(self.camera, settings, inspector)
        if settings.mqtt is not None:
            self.mqtt = MqttTrigger(
                settings.mqtt, self._on_mqtt, client_id=f"visual-inspector-{settings.name}"
            )

    def start(self) -> None:
        """Run all parts; each keeps trying for as long as it takes."""
        if self.mqtt is not None:
            self.mqtt.start()
        if self.camera is not None:
            self.camera.start()
        self.station.start()

    def stop(self) -> None:
        """End all parts, the triggers first."""
        if self.mqtt is not None:
            self.mqtt.stop()
        self.station.stop()
        if self.camera is not None:
            self.camera.stop()

    def _on_mqtt(self, lot: str) -> None:
        self.station.trigger(Trigger.MQTT, lot=lot)
