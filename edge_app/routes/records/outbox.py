"""Where results are sent, and what could not be delivered."""

from typing import Any, Dict, List, Optional

from pydantic import Field

from edge_app.outbox.status import DeadMessage, DestinationStatus
from edge_app.routes.records.record import Record
from edge_app.routes.strict import Input
from edge_app.routes.times import iso_of


class DestinationOut(Record):
    """How one destination does."""

    name: str
    kind: str = Field(
        description="`mqtt`, `webhook`, `modbus`; `removed`: not configured, has messages left."
    )
    waiting: int
    dead: int = Field(description="Messages that the receiver refused for good.")
    dropped: int = Field(description="Messages dropped because the queue was full.")
    oldest: Optional[str] = Field(description="When the oldest waiting message was made. UTC, ISO 8601.")
    last_error: str = Field(description="Empty while all is well.")
    connected: Optional[bool] = Field(description="Null before the first attempt.")
    paused: bool = Field(description="The receiver answered 410 Gone; requeueing goes on.")

    @classmethod
    def of(cls, status: DestinationStatus) -> "DestinationOut":
        return cls(
            name=status.name,
            kind=status.kind,
            waiting=status.waiting,
            dead=status.dead,
            dropped=status.dropped,
            oldest=None if status.oldest_ms is None else iso_of(status.oldest_ms),
            last_error=status.last_error,
            connected=status.connected,
            paused=status.paused,
        )


class OutboxOut(Record):
    """All destinations."""

    destinations: List[DestinationOut]


class DeadMessageOut(Record):
    """A message that its receiver refused for good."""

    number: int = Field(description="Names it for requeueing.")
    created: str = Field(description="UTC, ISO 8601.")
    died: str = Field(description="UTC, ISO 8601.")
    reason: str
    message: Dict[str, Any] = Field(description="As it was sent.")

    @classmethod
    def of(cls, dead: DeadMessage) -> "DeadMessageOut":
        return cls(
            number=dead.number,
            created=iso_of(dead.created_ms),
            died=iso_of(dead.died_ms),
            reason=dead.reason,
            message=dead.message,
        )


class DeadPageOut(Record):
    """One page of dead messages, oldest first."""

    items: List[DeadMessageOut]
    next_cursor: Optional[str] = Field(
        description="Give it as `cursor` to get the next page; null at the end."
    )


class RequeueIn(Input):
    """Which dead messages to send again."""

    numbers: Optional[List[int]] = Field(
        default=None, max_length=1000, description="All where none are given.", examples=[[17, 18]]
    )


class RequeuedOut(Record):
    """How many messages wait again."""

    requeued: int
