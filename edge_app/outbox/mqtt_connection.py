"""One connection to a broker, from CONNECT to its end: what paho's thread hears becomes answers.

Source: MQTT 5.0; edge_reliability.md section 3.
"""

import contextlib
import logging
import socket
import ssl
import threading
from typing import Any, Callable, Dict, Optional

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties

from edge_app.outbox.message import Message
from edge_app.outbox.rules import DELIVERED, PROTOCOL_ERROR, Answer, Verdict, of_mqtt_end, of_mqtt_reason
from edge_app.outbox.settings import MqttSettings

logger = logging.getLogger(__name__)

UNREADABLE = "the broker answered with something that is not MQTT"


class MqttClient(paho.Client):
    """paho's client. Its thread ends with an exception where it cannot read a packet (2.1): that is noted."""

    when_confused: Optional[Callable[[], None]] = None

    def loop_forever(self, *arguments: Any, **options: Any) -> MQTTErrorCode:
        try:
            return super().loop_forever(*arguments, **options)
        except Exception:
            logger.exception("paho could not read what the broker sent")
            if self.when_confused is not None:
                self.when_confused()
            return MQTTErrorCode.MQTT_ERR_PROTOCOL


class TlsSocket(ssl.SSLSocket):
    """paho leaves the socket of a failed handshake open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class MqttConnection:
    """One connection from CONNECT to its end; paho's thread tells it what arrives."""

    def __init__(self, client: MqttClient, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._state = "connecting"  # then "open", then "closed"
        self._why = ""
        self._closing_code = 0
        self._max_bytes: Optional[int] = None
        self._answers: Dict[int, int] = {}
        client.connect_timeout = timeout_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.when_confused = lambda: self._end(UNREADABLE, code=PROTOCOL_ERROR)

    @property
    def is_open(self) -> bool:
        return self._state == "open"

    def open(self, settings: MqttSettings) -> str:
        """Connect and wait for CONNACK; return why there is no connection, or nothing."""
        clean = True if settings.protocol == "5" else paho.MQTT_CLEAN_START_FIRST_ONLY
        self._client.connect(settings.host, settings.port, settings.keepalive_s, clean_start=clean)
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._state != "connecting", self._timeout_s)
            if self._state == "open":
                return ""
            return self._why or f"the broker did not answer CONNECT within {self._timeout_s:g} s"

    def publish(self, topic: str, message: Message, properties: Optional[Properties]) -> Answer:
        """Send one message and wait for its answer. Without one the connection is given up."""
        size = packet_bytes(topic, message, properties)
        if self._max_bytes is not None and size > self._max_bytes:
            return Answer(
                Verdict.REJECTED, f"{size} bytes, and the broker takes at most {self._max_bytes} (0x95)"
            )
        info = self._client.publish(topic, message.body, qos=1, properties=properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(f"publishing failed: {paho.error_string(info.rc)}")
        with self._changed:
            self._changed.wait_for(
                lambda: info.mid in self._answers or self._state == "closed", self._timeout_s
            )
            code = self._answers.pop(info.mid, None)
        if code is not None:
            verdict = of_mqtt_reason(code)
            return (
                DELIVERED
                if verdict is Verdict.DELIVERED
                else Answer(verdict, f"the broker answered 0x{code:02x}")
            )
        if of_mqtt_end(self._closing_code) is Verdict.REJECTED:
            return Answer(Verdict.REJECTED, f"{self._why} (0x{self._closing_code:02x})")
        self._end(f"the broker did not confirm the message within {self._timeout_s:g} s")
        return Answer(Verdict.RETRY, self._why)

    def close(self) -> None:
        """Say good-bye if the line still works, and end paho's thread in any case."""
        self._client.disconnect()
        with self._changed:
            if self._state == "open":
                self._changed.wait_for(lambda: self._state == "closed", min(1.0, self._timeout_s))
        self._end("closed")
        line = self._client.socket()
        if isinstance(line, socket.socket):
            with contextlib.suppress(OSError):  # the other side was faster
                # Not SSLSocket.shutdown, which takes the TLS object away from under paho's thread.
                socket.socket.shutdown(line, socket.SHUT_RDWR)
        self._client.loop_stop()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, properties: Any) -> None:
        with self._changed:
            self._max_bytes = getattr(properties, "MaximumPacketSize", None)
            if reason.is_failure:
                self._state, self._why = "closed", f"the broker refused the connection: {reason}"
            elif self._state == "connecting":
                self._state = "open"
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._end(f"the connection to the broker ended: {reason}", code=int(reason.value))

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._answers[mid] = int(reason.value)
            self._changed.notify_all()

    def _end(self, why: str, *, code: int = 0) -> None:
        with self._changed:
            if self._state != "closed":
                self._state, self._why, self._closing_code = "closed", why, code
            self._changed.notify_all()


def packet_bytes(topic: str, message: Message, properties: Optional[Properties]) -> int:
    """Return the size of the PUBLISH packet with QoS 1 (MQTT 5.0, section 3.3)."""
    num_properties = 0 if properties is None else len(properties.pack())  # type: ignore[no-untyped-call]
    rest = 2 + len(topic.encode()) + 2 + num_properties + len(message.body)
    num_length = 1 + (rest > 0x7F) + (rest > 0x3FFF) + (rest > 0x1FFFFF)  # seven bits a byte
    return 1 + num_length + rest
