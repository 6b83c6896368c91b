"""One thread a destination: sends the oldest message until it has left the queue, then the next.

Source: edge_reliability.md section 3: the table is the queue; one message on its way; removed once answered.
"""

import logging
import random
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, TypeVar

from edge_app.outbox import queue
from edge_app.outbox.message import message_of
from edge_app.outbox.queue import Row
from edge_app.outbox.room import make_room_for_dead
from edge_app.outbox.rules import Action, QueueLimits, RetryRules, Step, backoff_s, next_step
from edge_app.outbox.sender import Sender
from edge_app.store.writer import Writer
from inspector.errors import InspectorError

logger = logging.getLogger(__name__)

BATCH = 32
IDLE_S = 5.0  # how often an idle destination sees to its connection
WRITE_TIMEOUT_S = 60.0

T = TypeVar("T")
Removals = Dict[int, "Future[None]"]  # by message


@dataclass
class Claim:
    """The highest id that may be on its way. Written and read on the store's writing thread alone."""

    up_to: int = 0


@dataclass(frozen=True)
class Route:
    """What one destination's thread needs to know."""

    name: str
    device_id: str
    limits: QueueLimits
    retry: RetryRules
    claim: Claim = field(default_factory=Claim)


class Delivery:
    """Empties one queue. Nothing that goes wrong ends the thread."""

    def __init__(self, route: Route, *, writer: Writer, sender: Sender, rng: random.Random) -> None:
        self.paused = False
        self._message_error = ""
        self._connection_error = ""
        self._route = route
        self._writer = writer
        self._sender = sender
        self._rng = rng
        self._num_failures = 0
        self._leaving: Removals = {}  # delivered, and on its way out of the table
        self._stop = threading.Event()
        self._news = threading.Event()  # there may be messages
        self._hurry = threading.Event()  # a pause is over
        self._thread = threading.Thread(target=self._run, name=f"outbox-{route.name}", daemon=True)

    @property
    def connected(self) -> Optional[bool]:
        """Whether the receiver was there when last asked; None before the first attempt."""
        return self._sender.connected

    @property
    def last_error(self) -> str:
        """What went wrong since the last message that arrived, without secrets; empty while all is well."""
        return self._connection_error or self._message_error

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def wake(self) -> None:
        """Say that there is a message. May be called before its transaction is committed."""
        self._news.set()

    def resume(self) -> None:
        """End a pause: a receiver that was gone, or a back-off."""
        self._hurry.set()
        self._news.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Stop; what is in the queue stays there."""
        self._stop.set()
        self.resume()
        self._sender.close()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._news.clear()
                if self._deliver_some():
                    continue
                self._see_to_connection()
                self._news.wait(IDLE_S)
            except Exception as error:  # the store's writer failed or is closed: the messages are still there
                if not self._stop.is_set():
                    why = str(error) if isinstance(error, InspectorError) else type(error).__name__
                    self._note(f"the queue cannot be worked on: {why}")
                    self._back_off()

    def _deliver_some(self) -> bool:
        """Send the oldest messages; return whether there were any."""
        self._let_leave()
        rows = self._write(self._take)
        for row in rows:
            if self._stop.is_set():
                break
            self._deliver(row)
        self._let_leave()
        return bool(rows)

    def _take(self, connection: sqlite3.Connection) -> List[Row]:
        rows = queue.take(connection, self._route.name, limit=BATCH)
        if rows:
            self._route.claim.up_to = max(row.id for row in rows)
        return rows

    def _deliver(self, row: Row) -> None:
        message = message_of(device_id=self._route.device_id, row_id=row.id, kind=row.kind, body=row.body)
        num_rejections = row.num_rejections
        while not self._stop.is_set():
            answer = self._sender.send(message)
            self._num_failures += 1
            step = next_step(
                answer,
                num_failures=self._num_failures,
                num_rejections=num_rejections,
                rules=self._route.retry,
                rng=self._rng,
            )
            if step.action is Action.FORGET:
                self._num_failures = 0
                self._message_error = self._connection_error = ""
                self._leaving[row.id] = self._submit_removal(row.id)
                return
            if self._stop.is_set():
                return
            self._note(answer.detail)
            if step.action is Action.SET_ASIDE:
                self._set_aside(row, answer.detail)
                return
            if step.counts:
                num_rejections += 1
                self._write(lambda connection: queue.count_rejection(connection, row.id))
            self._pause(step)

    def _set_aside(self, row: Row, reason: str) -> None:
        def bury(connection: sqlite3.Connection) -> None:
            queue.bury(connection, row.id, reason=reason, died_ms=int(time.time() * 1000))
            make_room_for_dead(
                connection, self._route.name, limits=self._route.limits, claimed=self._route.claim.up_to
            )

        self._num_failures = 0
        self._write(bury)
        logger.warning("outbox %s: message %d is set aside: %s", self._route.name, row.id, reason)

    def _let_leave(self) -> None:
        """Wait until what was delivered is out of the table. What did not get out must not be sent again."""
        for row_id, future in list(self._leaving.items()):
            if future.done() and future.exception() is not None:
                future = self._leaving[row_id] = self._submit_removal(row_id)
            future.result(WRITE_TIMEOUT_S)
            del self._leaving[row_id]

    def _submit_removal(self, row_id: int) -> "Future[None]":
        return self._writer.submit(lambda connection: queue.remove(connection, row_id))

    def _see_to_connection(self) -> None:
        """Stay connected while idle, so that status is true and the next message goes at once."""
        if self._stop.is_set():
            return
        why = self._sender.connect()
        if why and why != self._connection_error:
            logger.warning("outbox %s: %s", self._route.name, why)
        self._connection_error = why
        if why:
            self._num_failures += 1
            self._back_off()

    def _pause(self, step: Step) -> None:
        if step.action is Action.PAUSE:
            self.paused = True
            self._hurry.wait()
            self.paused = False
        else:
            self._hurry.wait(step.wait_s)
        self._hurry.clear()

    def _back_off(self) -> None:
        self._num_failures = max(1, self._num_failures)
        self._hurry.wait(backoff_s(self._num_failures, self._route.retry, self._rng))
        self._hurry.clear()

    def _note(self, error: str) -> None:
        if error != self._message_error:
            logger.warning("outbox %s: %s", self._route.name, error)
        self._message_error = error

    def _write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        return self._writer.submit(job).result(WRITE_TIMEOUT_S)
