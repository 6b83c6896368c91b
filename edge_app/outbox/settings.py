"""Where messages go and how: the `destinations` of settings.json, checked.

No secret stands here: `password`, `secret`, `client_key` are names of secrets (see `secret_files`), so that
settings can be shown, copied and changed over REST.
"""

from typing import Any, List, Optional, Tuple, Union
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from typing_extensions import Annotated, Literal

from edge_app.outbox.rules import QueueLimits, RetryRules
from edge_app.services.result import Outcome
from inspector.errors import InputError

MEGABYTE = 1_000_000
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9\[][A-Za-z0-9.:_\]-]{0,252}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
ALL = (Outcome.PASS, Outcome.REVIEW, Outcome.FAIL, Outcome.NO_DECISION)


class Destination(BaseModel):
    """What every destination has. `name` is also its queue's: a renamed destination begins an empty one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name


class QueuedDestination(Destination):
    """A destination with a queue that survives restarts.

    outcomes: which results are sent.  timeout_s: for one attempt.  max_backoff_s: longest pause between two.
    max_rejections: refusals of one message until it is set aside.
    """

    outcomes: Tuple[Outcome, ...] = ALL
    max_waiting: int = Field(default=100_000, ge=100, le=10_000_000)
    max_waiting_mb: float = Field(default=64.0, ge=0.1, le=100_000)
    max_dead: int = Field(default=1000, ge=1, le=100_000)
    max_rejections: int = Field(default=3, ge=1, le=100)
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    first_backoff_s: float = Field(default=1.0, gt=0, le=600)
    max_backoff_s: float = Field(default=60.0, gt=0, le=3600)

    @property
    def limits(self) -> QueueLimits:
        """How much may wait."""
        return QueueLimits(
            max_messages=self.max_waiting,
            max_bytes=int(self.max_waiting_mb * MEGABYTE),
            max_dead=self.max_dead,
        )

    @property
    def retry(self) -> RetryRules:
        """How patient it is."""
        return RetryRules(
            first_s=self.first_backoff_s, limit_s=self.max_backoff_s, max_rejections=self.max_rejections
        )


class TlsSettings(BaseModel):
    """Names of PEM files among the secrets. Without `ca` the system's authorities count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ca: Optional[SecretName] = None
    client_certificate: Optional[SecretName] = None
    client_key: Optional[SecretName] = None


class MqttSettings(QueuedDestination):
    """A broker. `topic` may hold `{device}`; gap records go to the same topic, so that the order is kept."""

    kind: Literal["mqtt"] = "mqtt"
    host: Host
    port: Port = 1883
    topic: str = "inspector/{device}/results"
    protocol: Literal["5", "3.1.1"] = "5"
    client_id: Optional[Name] = None
    keepalive_s: int = Field(default=30, ge=5, le=3600)
    username: Optional[str] = Field(default=None, max_length=200)
    password: Optional[SecretName] = None
    tls: Optional[TlsSettings] = None

    @field_validator("topic")
    @classmethod
    def _topic_can_be_published_to(cls, topic: str) -> str:
        plain = topic.replace("{device}", "")
        if not topic or len(topic) > 200 or topic[0] == "$" or any(sign in plain for sign in "+#{}\0"):
            raise ValueError(
                "a topic has 1 to 200 characters, none of + # { } (apart from {device}), and no $ in front"
            )
        return topic


class WebhookSettings(QueuedDestination):
    """An address to post to. `secret` names the signature's key (`whsec_...`); without it none is sent."""

    kind: Literal["webhook"] = "webhook"
    url: str = Field(min_length=8, max_length=2000)
    secret: Optional[SecretName] = None
    tls: Optional[TlsSettings] = None

    @field_validator("url")
    @classmethod
    def _url_is_http_without_login(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError(
                "write https://host[:port]/path; a login may not stand there, sign with `secret`"
            )
        return url

    @property
    def shown(self) -> str:
        """The address without path and query, which often are secrets."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class GateSettings(Destination):
    """The coil of a reject gate, over Modbus/TCP.

    signal: `reject` pulses for every outcome of `reject`; `accept` pulses for every other one, so that a
        broken wire or a dead device rejects everything.
    delay_ms: from the moment the picture was taken to the pulse.  max_late_ms: a pulse that could not be
        given within this time is not given any more, since another part is at the gate by then.
    heartbeat_coil: toggled every `heartbeat_ms`; the PLC stops the line when it stands still.
    sources: cameras whose results count; empty: all.
    """

    kind: Literal["modbus"] = "modbus"
    host: Host
    port: Port = 502
    unit: int = Field(default=1, ge=0, le=255)
    coil: int = Field(ge=0, le=65535)
    signal: Literal["reject", "accept"] = "reject"
    reject: Tuple[Outcome, ...] = (Outcome.FAIL, Outcome.REVIEW, Outcome.NO_DECISION)
    delay_ms: float = Field(default=0.0, ge=0, le=600_000)
    pulse_ms: float = Field(default=100.0, ge=5, le=60_000)
    max_late_ms: float = Field(default=50.0, ge=0, le=60_000)
    timeout_s: float = Field(default=0.5, gt=0, le=10)
    max_backoff_s: float = Field(default=5.0, gt=0, le=60)
    heartbeat_coil: Optional[int] = Field(default=None, ge=0, le=65535)
    heartbeat_ms: float = Field(default=500.0, ge=50, le=60_000)
    sources: Tuple[str, ...] = ()


DestinationSettings = Annotated[
    Union[MqttSettings, WebhookSettings, GateSettings], Field(discriminator="kind")
]
_ADAPTER: "TypeAdapter[List[DestinationSettings]]" = TypeAdapter(List[DestinationSettings])


def read_destinations(raw: Any) -> Tuple[DestinationSettings, ...]:
    """Return the checked destinations of a list as settings.json has it.

    Raises:
        InputError: a value is out of range, a key is unknown, or two destinations have one name.
    """
    try:
        destinations = _ADAPTER.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"destinations.{place} is not valid: {first['msg']}") from None
    names = [destination.name for destination in destinations]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two destinations are called {name!r}; each needs a name of its own")
    return tuple(destinations)
