"""The outbox as a whole: one transaction with the result, restarts, changed settings, full queues."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from edge_app.access.addresses import NetworkAddress, check_webhook_address
from edge_app.outbox.outbox import Outbox
from edge_app.outbox.settings import read_destinations
from edge_app.outbox.status import UnknownDestinationError
from edge_app.services.result import Outcome
from edge_app.store.store import Store
from edge_app.store.writer import Writer
from inspector.errors import InputError
from tests.edge_app.outbox.broker import free_port
from tests.edge_app.outbox.parts import DEVICE, FAST, LIMIT_S, outbox_on, put, result, wait_until
from tests.edge_app.outbox.receiver import Receiver, Reply


def away(name: str = "mes", **changes: Any) -> dict[str, Any]:
    """A destination where nobody listens."""
    url = f"http://127.0.0.1:{free_port()}/hook"
    return {"kind": "webhook", "name": name, "url": url, **FAST, **changes}


def test_a_result_that_is_stored_has_its_message_and_one_that_is_not_has_none(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply()) as receiver:
        there = {"kind": "webhook", "name": "mes", "url": receiver.url(), **FAST}
        with outbox_on(tmp_path, [there]) as (outbox, writer):

            def fail(connection: sqlite3.Connection) -> None:
                outbox.enqueue(connection, result(0))
                raise ValueError("the result could not be stored")

            with pytest.raises(ValueError, match="could not be stored"):
                writer.submit(fail).result(LIMIT_S)
            put(outbox, writer, [result(1)])
            wait_until(lambda: len(receiver.posts) == 1, "the stored one's message")
            wait_until(lambda: outbox.status()[0].waiting == 0, "an empty queue")
            assert outbox.status()[0].dead == 0
    assert [post.message["result"]["id"] for post in receiver.posts] == ["r1"]


def test_with_the_real_store_every_result_is_sent(tmp_path: Path) -> None:
    with Receiver(lambda _post: Reply()) as receiver:
        store = Store.open(tmp_path)
        outbox = Outbox.open(
            store.path,
            store.writer,
            read_destinations([{"kind": "webhook", "name": "mes", "url": receiver.url(), **FAST}]),
            DEVICE,
            check=_any_address,
        )
        store.add_insert_hook(outbox.enqueue)
        receipts = [store.add(result(number)) for number in range(5)]
        assert all(receipt.result(LIMIT_S).stored for receipt in receipts)
        wait_until(lambda: len(receiver.posts) == 5, "all messages")
        outbox.close()
        store.close()
    assert [post.message["result"]["id"] for post in receiver.posts] == [f"r{number}" for number in range(5)]


def _any_address(address: str) -> NetworkAddress:
    return check_webhook_address(address, allow_loopback=True)


def test_a_destination_gets_the_outcomes_it_asked_for(tmp_path: Path) -> None:
    only_bad = away("bad", outcomes=["FAIL", "NO_DECISION"])
    with outbox_on(tmp_path, [only_bad, away("all")]) as (outbox, writer):
        put(outbox, writer, [result(number, outcome) for number, outcome in enumerate(Outcome)])
        waiting = {status.name: status.waiting for status in outbox.status()}
    assert waiting == {"bad": 2, "all": 4}


def test_hours_away_drop_the_oldest_passes_and_no_fail_and_the_receiver_is_told(tmp_path: Path) -> None:
    outcomes = [Outcome.FAIL if number % 10 == 0 else Outcome.PASS for number in range(400)]
    with outbox_on(tmp_path, [away(max_waiting=150)]) as (outbox, writer):
        put(outbox, writer, [result(number, outcome) for number, outcome in enumerate(outcomes)])
        status = outbox.status()[0]
        assert status.waiting <= 150
        num_dropped = status.dropped
        assert num_dropped >= 250
    with Receiver(lambda _post: Reply()) as receiver:
        there = {"kind": "webhook", "name": "mes", "url": receiver.url(), **FAST}
        with outbox_on(tmp_path, [there]) as (outbox, _):
            wait_until(lambda: outbox.status()[0].waiting == 0, "an empty queue")
    messages = [post.message for post in receiver.posts]
    arrived = [message["result"]["id"] for message in messages if message["type"] == "result"]
    gaps = [message["gap"] for message in messages if message["type"] == "gap"]
    assert {f"r{number}" for number in range(0, 400, 10)} <= set(arrived)
    assert sum(gap["num_dropped"] for gap in gaps) == num_dropped
    assert len(arrived) + num_dropped == 400
    assert all(set(gap["by_verdict"]) == {"PASS"} for gap in gaps)
    assert arrived == sorted(arrived, key=lambda name: int(name[1:]))
    missing = sorted({f"r{number}" for number in range(400)} - set(arrived), key=lambda name: int(name[1:]))
    created = {message["result"]["id"]: message["created"] for message in messages if "result" in message}
    assert gaps[0]["from"] < created["r399"]
    assert len(missing) == num_dropped


def test_ids_and_messages_survive_a_restart(tmp_path: Path) -> None:
    for start in (0, 5):
        with outbox_on(tmp_path, [away()]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(start, start + 5)))
    with Receiver(lambda _post: Reply()) as receiver:
        there = {"kind": "webhook", "name": "mes", "url": receiver.url(), **FAST}
        with outbox_on(tmp_path, [there]) as (outbox, _):
            wait_until(lambda: len(receiver.posts) == 10, "all messages")
    assert receiver.ids == [f"{DEVICE}:{number}" for number in range(1, 11)]


def test_settings_change_while_running_and_a_removed_queue_is_kept_until_it_is_discarded(
    tmp_path: Path,
) -> None:
    stays, goes = away("stays"), away("goes")
    with outbox_on(tmp_path, [stays, goes]) as (outbox, writer):
        put(outbox, writer, [result(0)])
        outbox.configure(read_destinations([stays, away("new")]))
        put(outbox, writer, [result(1)])
        found = {status.name: (status.kind, status.waiting) for status in outbox.status()}
        assert found == {"stays": ("webhook", 2), "goes": ("removed", 1), "new": ("webhook", 1)}
        with pytest.raises(InputError, match="in use"):
            outbox.discard("stays")
        outbox.discard("goes").result(LIMIT_S)
        assert sorted(status.name for status in outbox.status()) == ["new", "stays"]


def test_a_name_that_is_none_is_an_error(tmp_path: Path) -> None:
    with outbox_on(tmp_path, []) as (outbox, _):
        for ask in (outbox.dead_letters, outbox.requeue, outbox.resume):
            with pytest.raises(UnknownDestinationError, match="no destination 'nobody'"):
                ask("nobody")


def test_a_store_that_failed_stops_nothing_but_the_sending(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    writer = Writer(path)
    outbox = Outbox.open(path, writer, read_destinations([away()]), DEVICE, check=_any_address)
    writer.fail("the disk failed")
    outbox.resume("mes")
    wait_until(lambda: "the disk failed" in outbox.status()[0].last_error, "the reason in the status")
    outbox.close()
    writer.close()
