"""The outbox as the rest of the server sees it: a hook, a listener, a status, and what an operator may do."""

import json
import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Iterable, List, Optional, Sequence, Tuple

from edge_app.access.addresses import check_webhook_address
from edge_app.outbox import queue
from edge_app.outbox.gate import Gate
from edge_app.outbox.lane import Lane, QueuedSettings
from edge_app.outbox.message import check_device_id, message_of, result_body
from edge_app.outbox.modbus import Plc
from edge_app.outbox.mqtt import MqttSender
from edge_app.outbox.rules import RANKS
from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.sender import Sender
from edge_app.outbox.settings import DestinationSettings, GateSettings, MqttSettings
from edge_app.outbox.status import REMOVED, DeadMessage, DestinationStatus, UnknownDestinationError
from edge_app.outbox.webhook import CheckAddress, WebhookSender
from edge_app.services.result import Result
from edge_app.store.writer import Writer
from inspector.errors import InputError

SECRETS_FOLDER = "secrets"  # beside the database


class Outbox:
    """All destinations. Every method may be called from any thread; close it before the store."""

    @classmethod
    def open(
        cls,
        store_path: Path,
        writer: Writer,
        destinations: Iterable[DestinationSettings],
        device_id: str,
        *,
        check: CheckAddress = check_webhook_address,
    ) -> "Outbox":
        """Start to deliver what waits in the database `store_path`, which is the writer's.

        Raises:
            InputError: the device id is not usable, or a gate is configured and pymodbus is missing.
        """
        outbox = cls(store_path, writer, check_device_id(device_id), check)
        try:
            outbox.configure(destinations)
        except BaseException:
            outbox.close()
            raise
        return outbox

    def __init__(self, store_path: Path, writer: Writer, device_id: str, check: CheckAddress) -> None:
        """Hold the parts; `open` is the way to make one that works."""
        self._writer = writer
        self._device_id = device_id
        self._secrets = SecretFiles(store_path.parent / SECRETS_FOLDER)
        self._check = check
        self._lanes: Tuple[Lane, ...] = ()
        self._gates: Tuple[Gate, ...] = ()
        self._configuring = threading.Lock()
        self._reading = threading.Lock()
        self._reader = sqlite3.connect(str(store_path), isolation_level=None, check_same_thread=False)
        self._reader.execute("PRAGMA query_only=1")

    def enqueue(self, connection: sqlite3.Connection, result: Result) -> None:
        """Queue a result's messages inside the transaction that stores it."""
        interested = [lane for lane in self._lanes if result.outcome in lane.settings.outcomes]
        if not interested:
            return
        body, rank = result_body(result), RANKS[result.outcome]
        for lane in interested:
            lane.put(connection, rank=rank, created_ms=result.created_ms, body=body)

    def on_result(self, result: Result) -> None:
        """Tell the reject gates; returns at once."""
        for gate in self._gates:
            gate.on_result(result)

    def configure(self, destinations: Iterable[DestinationSettings]) -> None:
        """Make these the destinations. Those that did not change go on; queues of removed ones stay.

        Raises:
            InputError: a gate is configured and pymodbus is missing; nothing has changed then.
        """
        wanted = tuple(destinations)
        with self._configuring:
            lanes = [lane for lane in self._lanes if lane.settings in wanted]
            gates = [gate for gate in self._gates if gate.settings in wanted]
            known = [*(lane.settings for lane in lanes), *(gate.settings for gate in gates)]
            new = [settings for settings in wanted if settings not in known]
            new_gates = [Gate(one, Plc(one)) for one in new if isinstance(one, GateSettings)]
            self._close_all_but(lanes, gates)
            new_lanes = [self._begin(one) for one in new if not isinstance(one, GateSettings)]
            self._lanes, self._gates = (*lanes, *new_lanes), (*gates, *new_gates)
            for lane in new_lanes:
                lane.start()
            for gate in new_gates:
                gate.start()

    def status(self) -> List[DestinationStatus]:
        """Return how every destination does, and those that were removed and still have messages."""
        lanes = {lane.name: lane for lane in self._lanes}
        with self._reading:
            totals = queue.totals(self._reader)
            names = sorted({*totals, *lanes})
            dead = {name: queue.num_dead(self._reader, name) for name in names}
            oldest_ms = {name: queue.oldest_ms(self._reader, name) for name in names}
        counted = [
            DestinationStatus(
                name=name,
                kind=REMOVED,
                waiting=totals.get(name, queue.Totals()).num_waiting,
                dead=dead[name],
                dropped=totals.get(name, queue.Totals()).num_dropped,
                oldest_ms=oldest_ms[name],
            )
            for name in names
        ]
        queued = [lanes[one.name].status(one) if one.name in lanes else one for one in counted]
        return [one for one in queued if one.kind != REMOVED or one.waiting + one.dead > 0] + [
            gate.status() for gate in self._gates
        ]

    def dead_letters(self, name: str, *, limit: int = 100, after: int = 0) -> List[DeadMessage]:
        """Return messages that the receiver refused for good, oldest first, numbers above `after`.

        Raises:
            UnknownDestinationError: there is no such destination.
        """
        self._must_know(name)
        with self._reading:
            letters = queue.dead_letters(self._reader, name, limit=limit, after_id=after)
        return [
            DeadMessage(
                number=one.id,
                created_ms=one.created_ms,
                died_ms=one.died_ms,
                reason=one.reason,
                message=json.loads(
                    message_of(device_id=self._device_id, row_id=one.id, kind=one.kind, body=one.body).body
                ),
            )
            for one in letters
        ]

    def requeue(self, name: str, numbers: Optional[Sequence[int]] = None) -> "Future[int]":
        """Send dead messages again, all or those numbered; the future says how many. Their ids stay.

        Raises:
            UnknownDestinationError: there is no such destination.
        """
        lane = self._lane(name)
        return self._writer.submit(lambda connection: lane.requeue(connection, numbers))

    def resume(self, name: str) -> None:
        """Try again now: after 410 Gone, or instead of waiting for the next attempt.

        Raises:
            UnknownDestinationError: there is no such destination.
        """
        self._lane(name).delivery.resume()

    def discard(self, name: str) -> "Future[None]":
        """Forget what waits for a destination that is no longer configured.

        Raises:
            InputError: it is configured; remove it first.
        """
        if any(lane.name == name for lane in self._lanes):
            raise InputError(f"destination {name!r} is in use; remove it from the settings first")
        return self._writer.submit(lambda connection: queue.discard(connection, name))

    def close(self) -> None:
        """Stop delivering; what waits stays in the table. The store is closed after the outbox."""
        with self._configuring:
            self._close_all_but([], [])
            self._lanes, self._gates = (), ()
        with self._reading:
            self._reader.close()

    def _close_all_but(self, lanes: Sequence[Lane], gates: Sequence[Gate]) -> None:
        for lane in self._lanes:
            if lane not in lanes:
                lane.close()
        for gate in self._gates:
            if gate not in gates:
                gate.close()

    def _begin(self, settings: QueuedSettings) -> Lane:
        sender: Sender
        if isinstance(settings, MqttSettings):
            sender = MqttSender(settings, device_id=self._device_id, secrets=self._secrets)
        else:
            sender = WebhookSender(settings, secrets=self._secrets, check=self._check)
        return Lane(settings, device_id=self._device_id, writer=self._writer, sender=sender)

    def _lane(self, name: str) -> Lane:
        for lane in self._lanes:
            if lane.name == name:
                return lane
        raise UnknownDestinationError(f"there is no destination {name[:80]!r}; see the list of destinations")

    def _must_know(self, name: str) -> None:
        with self._reading:
            known = name in queue.totals(self._reader)
        if not known:
            self._lane(name)
