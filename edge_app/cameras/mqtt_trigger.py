"""Triggers over MQTT: each message on a topic asks a camera for one inspection.

Quality of service 0 and a clean session, and retained messages are dropped: a trigger that comes late would
inspect the wrong part.
"""

import json
import logging
import threading
from typing import Any, Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_app.access.reachable import reachable_ip
from edge_app.services.camera import MqttTriggerSettings
from inspector.errors import InspectorError

logger = logging.getLogger(__name__)

MAX_LOT = 100
MAX_PAYLOAD_BYTES = 4096
LONGEST_PAUSE_S = 30
LOOK_UP_AGAIN_S = 5.0

OnTrigger = Callable[[str], None]


def lot_of(payload: bytes) -> str:
    """Return the `lot` that a JSON object names; empty for every other payload."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return ""
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError):  # the latter of 4000 brackets
        return ""
    lot = record.get("lot") if isinstance(record, dict) else None
    return lot[:MAX_LOT] if isinstance(lot, str) else ""


def broker_ip(settings: MqttTriggerSettings) -> str:
    """Return the broker's IP; AddressError when its host is unknown, or must not be connected to."""
    return reachable_ip(settings.host, settings.port, allow_loopback=True)


class MqttTrigger:
    """Listens to a topic for as long as it is open, through breaks of the connection."""

    def __init__(self, settings: MqttTriggerSettings, on_trigger: OnTrigger, *, client_id: str) -> None:
        """Hold a listener; `on_trigger` gets the lot, and is called in paho's thread."""
        self._settings = settings
        self._on_trigger = on_trigger
        self.is_connected = False
        self.last_error = ""
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True)
        self._client.reconnect_delay_set(1, LONGEST_PAUSE_S)
        if settings.username:
            self._client.username_pw_set(settings.username, settings.password)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._find_and_connect, name=client_id, daemon=True)
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message

    def start(self) -> None:
        """Connect as soon as the broker has an address and is there."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect."""
        self._is_stopping.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def _find_and_connect(self) -> None:
        """Look the broker up as often as it takes: after a power cut this device is up before the network."""
        while not self._is_stopping.is_set():
            try:
                ip = broker_ip(self._settings)
            except InspectorError as error:
                self.last_error = str(error)
                self._is_stopping.wait(LOOK_UP_AGAIN_S)
                continue
            self._client.connect_async(ip, self._settings.port, keepalive=15)
            self._client.loop_start()
            return

    def _connected(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self.last_error = f"the broker refuses: {reason}"
            return
        self.is_connected, self.last_error = True, ""
        client.subscribe(self._settings.topic, qos=0)

    def _failed(self, client: mqtt.Client, userdata: Any) -> None:
        self.last_error = f"no broker answers at {self._settings.host}:{self._settings.port}"

    def _disconnected(
        self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self.is_connected = False
        self.last_error = f"not connected to the broker: {reason}"

    def _message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            return
        try:
            self._on_trigger(lot_of(bytes(message.payload)))
        except InspectorError as error:
            self.last_error = str(error)
            logger.warning("trigger on %s: %s", self._settings.topic, error)
