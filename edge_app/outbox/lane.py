"""One destination: what is put into its queue, and the thread that empties it."""

import random
import sqlite3
from dataclasses import replace
from typing import Optional, Sequence, Union

from edge_app.outbox import queue
from edge_app.outbox.delivery import Delivery, Route
from edge_app.outbox.message import RESULT
from edge_app.outbox.room import make_room
from edge_app.outbox.sender import Sender
from edge_app.outbox.settings import MqttSettings, WebhookSettings
from edge_app.outbox.status import DestinationStatus
from edge_app.store.writer import Writer

QueuedSettings = Union[MqttSettings, WebhookSettings]


class Lane:
    """A queue and its delivery. Methods with a connection run on the store's writing thread."""

    def __init__(self, settings: QueuedSettings, *, device_id: str, writer: Writer, sender: Sender) -> None:
        self.settings = settings
        self._route = Route(settings.name, device_id, settings.limits, settings.retry)
        self.delivery = Delivery(self._route, writer=writer, sender=sender, rng=random.Random())

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.settings.name

    def start(self) -> None:
        """Begin to deliver."""
        self.delivery.start()

    def put(self, connection: sqlite3.Connection, *, rank: int, created_ms: int, body: str) -> None:
        """Append a result's message and keep the queue within its limits."""
        queue.insert(connection, self.name, kind=RESULT, rank=rank, created_ms=created_ms, body=body)
        self._make_room(connection)
        self.delivery.wake()

    def requeue(self, connection: sqlite3.Connection, numbers: Optional[Sequence[int]]) -> int:
        """Put dead messages back in line; return how many."""
        num_requeued = queue.requeue(connection, self.name, row_ids=numbers)
        self._make_room(connection)
        self.delivery.wake()
        return num_requeued

    def status(self, counted: DestinationStatus) -> DestinationStatus:
        """Complete what the table says by what the thread knows."""
        return replace(
            counted,
            kind=self.settings.kind,
            last_error=self.delivery.last_error,
            connected=self.delivery.connected,
            paused=self.delivery.paused,
        )

    def close(self) -> None:
        """Stop; what waits stays in the table."""
        self.delivery.stop()

    def _make_room(self, connection: sqlite3.Connection) -> None:
        make_room(connection, self.name, limits=self._route.limits, claimed=self._route.claim.up_to)
