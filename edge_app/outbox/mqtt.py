"""Publishes to an MQTT broker: QoS 1, one message on its way, answered by PUBACK's reason code.

paho's own queue is never used: a connection has its own client, which is thrown away with it, so that nothing
is sent again behind the table's back. A client that only publishes needs no session at the broker.

Source: MQTT 5.0; edge_reliability.md section 3 (what paho keeps, repeats and loses).
"""

import contextlib
import socket
import threading
from typing import Any, Dict, Optional

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_app.access.reachable import reachable_ip
from edge_app.outbox.message import Message
from edge_app.outbox.rules import DELIVERED, Answer, Verdict, of_mqtt_reason
from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.settings import MqttSettings
from edge_app.outbox.tls import tls_context
from inspector.errors import InputError

CLOSING = "the outbox is closing"


class MqttSender:
    """One broker. Connects when there is something to send or the idle thread asks for it."""

    def __init__(self, settings: MqttSettings, *, device_id: str, secrets: SecretFiles) -> None:
        self._settings = settings
        self._device_id = device_id
        self._secrets = secrets
        self._topic = settings.topic.replace("{device}", device_id)
        self._connection: Optional[_Connection] = None
        self._closed = False
        self._tried = False

    @property
    def connected(self) -> Optional[bool]:
        """Whether there is a connection now; None before the first attempt."""
        connection = self._connection
        return connection.is_open if connection is not None else (False if self._tried else None)

    def connect(self) -> str:
        """Connect unless connected; return why that failed, or nothing."""
        if self._connection is not None and self._connection.is_open:
            return ""
        self._drop()
        if self._closed:
            return CLOSING
        self._tried = True
        try:
            reachable_ip(self._settings.host, self._settings.port, allow_loopback=True)
            connection = _Connection(self._client(), self._settings.timeout_s)
            self._connection = connection
            why = connection.open(self._settings)
        except InputError as error:
            why = str(error)
        except OSError as error:
            why = f"broker {self._where} cannot be reached: {error.strerror or error}"
        if why or self._closed:
            self._drop()
            return why or CLOSING
        return ""

    def send(self, message: Message) -> Answer:
        """Publish and wait for the broker's PUBACK."""
        why = self.connect()
        connection = self._connection
        if why or connection is None:
            return Answer(Verdict.RETRY, why or CLOSING)
        answer = connection.publish(self._topic, message, self._properties(message))
        if answer.verdict is not Verdict.DELIVERED and not connection.is_open:
            self._drop()
        return answer

    def close(self) -> None:
        """Disconnect; a message that waits for its answer gives up at once."""
        self._closed = True
        self._drop()

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _client(self) -> paho.Client:
        settings = self._settings
        is_5 = settings.protocol == "5"
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id or f"{self._device_id}-{settings.name}",
            clean_session=None if is_5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        if settings.username is not None:
            password = None if settings.password is None else self._secrets.text(settings.password).reveal()
            client.username_pw_set(settings.username, password)
        if settings.tls is not None:
            client.tls_set_context(tls_context(settings.tls, self._secrets))
        return client

    def _properties(self, message: Message) -> Optional[Properties]:
        if self._settings.protocol != "5":
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.UserProperty = [("id", message.id)]
        return properties


class _Connection:
    """One connection from CONNECT to its end; paho's thread tells it what arrives."""

    def __init__(self, client: paho.Client, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._state = "connecting"  # then "open", then "closed"
        self._why = ""
        self._closing_code = 0
        self._answers: Dict[int, int] = {}
        client.connect_timeout = timeout_s
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish

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
        info = self._client.publish(topic, message.body, qos=1, properties=properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(f"publishing failed: {paho.error_string(info.rc)}")
        with self._changed:
            self._changed.wait_for(
                lambda: info.mid in self._answers or self._state == "closed", self._timeout_s
            )
            code = self._answers.pop(info.mid, None)
        if code is not None:
            return _answer_of(code, "the broker answered")
        if of_mqtt_reason(self._closing_code) is Verdict.REJECTED:
            return _answer_of(self._closing_code, "the broker closed the connection with")
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

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
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


def _answer_of(code: int, what: str) -> Answer:
    verdict = of_mqtt_reason(code)
    return DELIVERED if verdict is Verdict.DELIVERED else Answer(verdict, f"{what} reason 0x{code:02x}")
