"""The way of a result from the inference thread to the store, to who waits for it, and to who listens."""

import logging
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Callable, Dict, Tuple

from edge_app.services.keeping import NotKept, Receipt, ResultStore
from edge_app.services.result import Result

logger = logging.getLogger(__name__)

Listener = Callable[[Result], None]


@dataclass(frozen=True)
class Ticket:
    """Who waits for a result: `future` gets what `answer` makes of the result and its receipt."""

    future: "Future[Any]"
    answer: Callable[[Result, Receipt], Any]


class Delivery:
    """Has results stored, counts them, and acknowledges each after its commit and not before."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._counts: Dict[str, int] = Counter()
        self._num_open = 0
        self._listeners: Tuple[Listener, ...] = ()

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with every result after its commit, in the thread that committed it.

        It must return at once; what it raises is logged.
        """
        with self._changed:
            self._listeners = (*self._listeners, listener)

    def count(self, what: str) -> None:
        """Count something that happened to a photo."""
        with self._changed:
            self._counts[what] += 1

    def counts(self) -> Dict[str, int]:
        """Return what was counted since the start."""
        with self._changed:
            return dict(self._counts)

    def deliver(self, result: Result, ticket: Ticket) -> "Future[Receipt]":
        """Have `result` stored and return its receipt's future.

        When that is committed or has failed, whoever holds the ticket is answered.
        """
        with self._changed:
            self._num_open += 1
        try:
            storing = self._store.add(result)
        except Exception as error:  # the inspection goes on when storing cannot
            storing = Future()
            storing.set_exception(error)
        storing.add_done_callback(lambda done: self._acknowledge(result, done, ticket))
        return storing

    def wait_until_all_done(self) -> None:
        """Return when every result that was handed in is acknowledged."""
        with self._changed:
            self._changed.wait_for(lambda: not self._num_open)

    def _acknowledge(self, result: Result, storing: "Future[Receipt]", ticket: Ticket) -> None:
        receipt = _receipt_of(storing)
        self.count(result.outcome.value.lower())
        ticket.future.set_result(ticket.answer(result, receipt))
        for listener in self._listeners:
            try:
                listener(result)
            except Exception:
                logger.exception("a listener failed on result %s", result.id)
        with self._changed:
            self._num_open -= 1
            self._changed.notify_all()


def _receipt_of(storing: "Future[Receipt]") -> Receipt:
    error = storing.exception()
    if error is None:
        return storing.result()
    logger.error("a result was not stored: %s", error)
    return NotKept(str(error))
