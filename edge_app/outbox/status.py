"""What an operator sees of the outbox."""

from dataclasses import dataclass
from typing import Any, Dict, Optional

from inspector.errors import InputError

REMOVED = "removed"


class UnknownDestinationError(InputError):
    """No destination has this name."""


@dataclass(frozen=True)
class DestinationStatus:
    """How a destination does.

    kind: `mqtt`, `webhook`, `modbus`; `removed` is not configured any more and still has messages.
    waiting, dead, dropped: messages; for a gate, pulses ahead, always 0, and pulses that were missed.
    oldest_ms: when the oldest waiting message was made, wall clock, UTC.
    connected: None before the first attempt.
    paused: the receiver answered 410 Gone; nothing is sent until somebody resumes or the server restarts.
    """

    name: str
    kind: str
    waiting: int = 0
    dead: int = 0
    dropped: int = 0
    oldest_ms: Optional[int] = None
    last_error: str = ""
    connected: Optional[bool] = None
    paused: bool = False


@dataclass(frozen=True)
class DeadMessage:
    """A message that its receiver refused for good. `number` names it; times are wall clock, UTC."""

    number: int
    created_ms: int
    died_ms: int
    reason: str
    message: Dict[str, Any]
