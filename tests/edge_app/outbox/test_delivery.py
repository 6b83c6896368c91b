"""A destination's thread, with a receiver that answers by a script and the store's own writer."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_app.outbox import queue
from edge_app.outbox.delivery import Delivery, Route
from edge_app.outbox.message import RESULT, result_body
from edge_app.outbox.rules import Answer, QueueLimits, RetryRules, Verdict
from edge_app.store.writer import Writer
from tests.edge_app.outbox.parts import DEVICE, LIMIT_S, ScriptedSender, result, wait_until

FAST = RetryRules(first_s=0.005, limit_s=0.02, max_rejections=3)
AWAY = Answer(Verdict.RETRY, "away")
REFUSED = Answer(Verdict.REJECTED, "answered 400")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "results.sqlite")
    yield writer
    writer.close()


def put(writer: Writer, *numbers: int) -> None:
    def job(connection: sqlite3.Connection) -> None:
        for number in numbers:
            one = result(number)
            queue.insert(
                connection, "d", kind=RESULT, rank=0, created_ms=one.created_ms, body=result_body(one)
            )

    writer.submit(job).result(LIMIT_S)


@contextmanager
def delivering(writer: Writer, sender: ScriptedSender, rules: RetryRules = FAST) -> Iterator[Delivery]:
    route = Route("d", DEVICE, QueueLimits(), rules)
    delivery = Delivery(route, writer=writer, sender=sender, rng=random.Random(1))
    delivery.start()
    try:
        yield delivery
    finally:
        delivery.stop()


def num_waiting(writer: Writer) -> int:
    return writer.submit(lambda connection: len(queue.take(connection, "d", limit=1000))).result(LIMIT_S)


def wait_for_empty(writer: Writer) -> None:
    wait_until(lambda: num_waiting(writer) == 0, "an empty queue")


def test_everything_is_delivered_once_in_order(writer: Writer) -> None:
    put(writer, *range(100))
    sender = ScriptedSender()
    with delivering(writer, sender):
        wait_for_empty(writer)
    assert sender.ids == [f"{DEVICE}:{number}" for number in range(1, 101)]


def test_a_message_that_comes_later_wakes_the_thread(writer: Writer) -> None:
    sender = ScriptedSender()
    with delivering(writer, sender) as delivery:
        for number in range(3):
            put(writer, number)
            delivery.wake()
            assert sender.answered.acquire(timeout=LIMIT_S)
    assert sender.ids == [f"{DEVICE}:{number}" for number in (1, 2, 3)]


def test_a_receiver_that_is_away_costs_no_message_however_often(writer: Writer) -> None:
    put(writer, 0, 1)
    sender = ScriptedSender([AWAY] * 25)
    with delivering(writer, sender) as delivery:
        wait_for_empty(writer)
        assert delivery.last_error == ""
    assert sender.ids == [f"{DEVICE}:1"] * 26 + [f"{DEVICE}:2"]
    assert len({message.body for message in sender.sent[:26]}) == 1


def test_poison_is_set_aside_after_its_third_refusal_and_the_rest_flows(writer: Writer) -> None:
    put(writer, 0, 1, 2)
    sender = ScriptedSender([REFUSED, AWAY, REFUSED, REFUSED])
    with delivering(writer, sender) as delivery:
        wait_for_empty(writer)
        wait_until(lambda: sender.ids[-1] == f"{DEVICE}:3", "the rest")
        assert delivery.last_error == ""
    dead = writer.submit(lambda connection: queue.dead_letters(connection, "d", limit=9)).result(LIMIT_S)
    assert [(letter.id, letter.reason) for letter in dead] == [(1, "answered 400")]
    assert sender.ids == [f"{DEVICE}:1"] * 4 + [f"{DEVICE}:2", f"{DEVICE}:3"]


def test_refusals_are_remembered_over_a_restart(writer: Writer) -> None:
    put(writer, 0)
    slow = RetryRules(first_s=60.0, limit_s=60.0, max_rejections=2)
    first = ScriptedSender([REFUSED])
    with delivering(writer, first, slow):
        assert first.answered.acquire(timeout=LIMIT_S)
        wait_until(lambda: _num_rejections(writer) == 1, "the refusal in the table")
    second = ScriptedSender([REFUSED])
    with delivering(writer, second, slow):
        wait_for_empty(writer)
    assert len(first.sent + second.sent) == 2


def _num_rejections(writer: Writer) -> int:
    rows = writer.submit(lambda connection: queue.take(connection, "d", limit=1)).result(LIMIT_S)
    return rows[0].num_rejections


def test_a_receiver_that_is_gone_is_left_alone_until_somebody_resumes(writer: Writer) -> None:
    put(writer, 0)
    sender = ScriptedSender([Answer(Verdict.GONE, "answered 410")])
    with delivering(writer, sender) as delivery:
        wait_until(lambda: delivery.paused, "a pause")
        assert delivery.last_error == "answered 410"
        assert num_waiting(writer) == 1
        delivery.resume()
        wait_for_empty(writer)
        assert not delivery.paused
    assert sender.ids == [f"{DEVICE}:1"] * 2


def test_stopping_ends_a_long_back_off_and_keeps_the_message(writer: Writer) -> None:
    put(writer, 0)
    sender = ScriptedSender([AWAY])
    with delivering(writer, sender, RetryRules(first_s=3600.0, limit_s=3600.0)) as delivery:
        assert sender.answered.acquire(timeout=LIMIT_S)
        wait_until(lambda: delivery.last_error == "away", "the error in the status")
    assert num_waiting(writer) == 1
    assert len(sender.sent) == 1


class RefusingWriter:
    """The store's writer with a disk that is full for the first `num_refused` removals."""

    def __init__(self, writer: Writer, num_refused: int) -> None:
        self._writer = writer
        self.num_refused = num_refused

    def submit(self, job: Callable[[sqlite3.Connection], Any]) -> Future[Any]:
        return self._writer.submit(lambda connection: self._guarded(job, connection))

    def _guarded(self, job: Callable[[sqlite3.Connection], Any], connection: sqlite3.Connection) -> Any:
        before = connection.total_changes
        answer = job(connection)
        if connection.total_changes > before and self.num_refused > 0:
            self.num_refused -= 1
            raise OSError("no space left on device")
        return answer


def test_what_was_delivered_is_not_sent_again_when_its_removal_fails(writer: Writer) -> None:
    put(writer, 0, 1, 2)
    sender = ScriptedSender()
    refusing = RefusingWriter(writer, num_refused=5)
    with delivering(refusing, sender):  # type: ignore[arg-type]
        wait_for_empty(writer)
    assert refusing.num_refused == 0
    assert sender.ids == [f"{DEVICE}:{number}" for number in (1, 2, 3)]
