"""Publishes to an MQTT broker: QoS 1, one message on its way, answered by PUBACK's reason code.

paho's own queue is never used: a connection has its own client, which is thrown away with it, so that nothing
is sent again behind the table's back. A client that only publishes needs no session at the broker.

Source: MQTT 5.0; edge_reliability.md section 3 (what paho keeps, repeats and loses).
"""

from typing import Optional

from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_app.access.reachable import reachable_ip
from edge_app.outbox.message import Message
from edge_app.outbox.mqtt_connection import MqttClient, MqttConnection, TlsSocket
from edge_app.outbox.rules import Answer, Verdict
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
        self._connection: Optional[MqttConnection] = None
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
            connection = MqttConnection(self._client(), self._settings.timeout_s)
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

    def _client(self) -> MqttClient:
        settings = self._settings
        is_5 = settings.protocol == "5"
        client = MqttClient(
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
            context = tls_context(settings.tls, self._secrets)
            context.sslsocket_class = TlsSocket
            client.tls_set_context(context)
        return client

    def _properties(self, message: Message) -> Optional[Properties]:
        if self._settings.protocol != "5":
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.UserProperty = [("id", message.id)]
        return properties
