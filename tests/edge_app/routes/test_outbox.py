"""What waits and what was refused for good can be seen, and sent again."""

from __future__ import annotations

import sqlite3

import pytest

from edge_app.outbox import queue
from edge_app.outbox.message import RESULT, result_body
from edge_app.outbox.settings import read_destinations
from tests.edge_app.routes.device import Device, sentence_of
from tests.edge_app.store.made import NOON_MS, made

NUM_DEAD = 5


@pytest.fixture
def refused(fresh: Device) -> Device:
    """A device whose receiver has refused some messages."""
    webhook = {"kind": "webhook", "name": "mes", "url": "http://127.0.0.1:9/x", "outcomes": []}
    fresh.parts.outbox.configure(read_destinations([webhook]))

    def bury(connection: sqlite3.Connection) -> None:
        for number in range(NUM_DEAD):
            body = result_body(made(id=f"dead{number}"))
            row = queue.insert(connection, "mes", kind=RESULT, rank=0, created_ms=NOON_MS, body=body)
            queue.bury(connection, row, reason="400: no such lot", died_ms=NOON_MS + 1000)

    fresh.parts.store.writer.submit(bury).result(10)
    return fresh


def test_refused_messages_are_listed_in_pages(refused: Device) -> None:
    (destination,) = refused.get("outbox").json()["destinations"]
    assert (destination["name"], destination["kind"]) == ("mes", "webhook")
    assert (destination["waiting"], destination["dead"]) == (0, NUM_DEAD)
    found, cursor = [], None
    while True:
        query = {"limit": 2, **({} if cursor is None else {"cursor": cursor})}
        body = refused.get("outbox/mes/dead", params=query).json()
        found += body["items"]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    assert [message["message"]["result"]["id"] for message in found] == [f"dead{n}" for n in range(NUM_DEAD)]
    assert found[0]["reason"] == "400: no such lot"
    assert (found[0]["created"], found[0]["died"]) == ("2026-11-24T12:00:00.000Z", "2026-11-24T12:00:01.000Z")


def test_some_or_all_are_sent_again(refused: Device) -> None:
    numbers = [one["number"] for one in refused.get("outbox/mes/dead").json()["items"]]
    for body, num in (({"numbers": numbers[:2]}, 2), ({"numbers": numbers[:2]}, 0), ({}, 3)):
        answer = refused.send("POST", "outbox/mes/dead/requeue", json=body)
        assert (answer.status_code, answer.json()) == (200, {"requeued": num})
    assert refused.get("outbox/mes/dead").json() == {"items": [], "next_cursor": None}
    assert refused.get("outbox").json()["destinations"][0]["waiting"] == NUM_DEAD


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "sentence"),
    [
        ("GET", "outbox/none/dead", {}, 404, "there is no destination 'none'"),
        ("POST", "outbox/none/dead/requeue", {"json": {}}, 404, "there is no destination 'none'"),
        ("POST", "outbox/none/dead/requeue", {"json": {"numbers": "all"}}, 422, "body.numbers = 'all'"),
        ("POST", "outbox/none/dead/requeue", {"json": {"nums": []}}, 422, "did you mean 'numbers'?"),
        ("GET", "outbox/none/dead?cursor=abc", {}, 422, "query.cursor = 'abc' is not valid"),
        ("GET", "outbox?x=1", {}, 422, "query option 'x' is not known; there are none here"),
    ],
)
def test_what_cannot_be_gets_one_sentence(
    shared: Device, method: str, path: str, options: dict[str, object], status: int, sentence: str
) -> None:
    assert sentence in sentence_of(shared.send(method, path, **options), status)
