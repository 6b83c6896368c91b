"""What a destination's protocol has to offer: one attempt at a time, answered and never raised."""

from typing import Optional

from typing_extensions import Protocol

from edge_app.outbox.message import Message
from edge_app.outbox.rules import Answer


class Sender(Protocol):
    """Sends messages one after another. Only `close` and `connected` may be used from other threads."""

    @property
    def connected(self) -> Optional[bool]:
        """Whether the other side was there when last asked; None before the first attempt."""

    def connect(self) -> str:
        """Connect if that is needed and useful ahead of a message; return why it failed, or nothing."""

    def send(self, message: Message) -> Answer:
        """Make one attempt, within the destination's time limit."""

    def close(self) -> None:
        """Disconnect; an attempt that is under way ends at once."""
