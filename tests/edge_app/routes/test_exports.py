"""Exports hold every matching result, in bounded memory, and end with the client; no cell is a formula."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from edge_app.routes.exports import COLUMNS, harmless
from edge_app.routes.live import MjpegResponse
from edge_app.routes.stream import BatchedResponse, StreamSlots
from edge_app.services.bounded_worker import BusyError
from edge_app.services.live import LiveHub
from edge_app.services.result import Outcome
from tests.edge_app.routes.device import OUTCOMES, Device, sentence_of
from tests.edge_app.store.made import NOON_MS, made

NUM = 450  # more than two batches of the store and four of the stream
RESULTS = [
    made(created_ms=NOON_MS + number, outcome=OUTCOMES[number % 4], lot=f"L{number % 3}")
    for number in range(NUM)
]


@pytest.fixture(scope="module", autouse=True)
def _filled(shared: Device) -> None:
    shared.add(*RESULTS)


def test_ndjson_has_a_line_a_result_oldest_first_as_its_own_address_answers(shared: Device) -> None:
    answer = shared.get("inspections.ndjson", params={"verdict": "FAIL", "lot": "L1"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="inspections.ndjson"'
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in found] == [
        result.id for result in RESULTS if result.outcome is Outcome.FAIL and result.origin.lot == "L1"
    ]
    assert found[0] == shared.get(f"inspections/{found[0]['id']}").json()


def test_csv_has_a_header_and_a_line_a_result(shared: Device) -> None:
    answer = shared.get("inspections.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["id"] for row in rows] == [result.id for result in RESULTS]
    assert tuple(rows[0]) == COLUMNS
    assert rows[1]["created"] == "2026-11-24T12:00:00.001Z"
    assert (rows[1]["verdict"], rows[1]["lot"], rows[1]["image_score"]) == ("REVIEW", "L1", "0.25")
    assert (rows[1]["num_regions"], rows[1]["largest_area_px"], rows[1]["fail"]) == ("1", "30", "0.5")


def test_nothing_matching_is_a_header_alone(shared: Device) -> None:
    assert shared.get("inspections.csv?lot=none").text.strip() == ",".join(COLUMNS)
    assert shared.get("inspections.ndjson?lot=none").text == ""


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("lot 7", "lot 7"),
        ("7-3", "7-3"),
        ("", ""),
        ("  ", "  "),
    ],
)
def test_text_that_a_spreadsheet_takes_for_a_formula_is_quoted(text: str, safe: str) -> None:
    assert harmless(text) == safe


def test_no_cell_begins_a_formula(fresh: Device) -> None:
    evil = '=cmd|" /C calc"!A0'
    result_id = fresh.inspect(lot=evil, source="@x,\"y'")["id"]
    fresh.send("PUT", f"inspections/{result_id}/decision", json={"decision": "good", "note": "+1\n=2"})
    (row,) = csv.DictReader(io.StringIO(fresh.get("inspections.csv").text, newline=""))
    assert row["lot"] == f"'{evil}"
    assert row["source"] == "'@x,\"y'"
    assert row["note"] == "'+1\n=2"


class Items:
    """An endless iterator that tells what was read and whether it was closed, and by which threads."""

    def __init__(self) -> None:
        self.num_read = 0
        self.closed = threading.Event()
        self.threads: set[int] = set()

    def __call__(self) -> Iterator[int]:
        try:
            while True:
                self.threads.add(threading.get_ident())
                self.num_read += 1
                yield self.num_read
        finally:
            self.threads.add(threading.get_ident())
            self.closed.set()


def joined(numbers: Sequence[int]) -> bytes:
    return b"".join(b"%d\n" % number for number in numbers)


async def answer_until_gone(response: BatchedResponse, *, num_chunks: int) -> list[bytes]:
    """Take some chunks, then be gone."""
    gone, chunks = asyncio.Event(), []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            chunks.append(message["body"])
            if len(chunks) == num_chunks:
                gone.set()
                await asyncio.sleep(30)

    async def receive() -> Any:
        await gone.wait()
        return {"type": "http.disconnect"}

    await response({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, receive, send)
    return chunks


def test_a_stream_ends_with_its_client_and_reads_no_further() -> None:
    items, slots, ended = Items(), StreamSlots(1, kind="exports"), []
    response = BatchedResponse(
        items, joined, slots=slots, media_type="text/plain", batch=10, on_end=lambda: ended.append(True)
    )
    with pytest.raises(BusyError, match="1 exports run already"):
        slots.take()
    chunks = asyncio.run(answer_until_gone(response, num_chunks=3))
    assert items.closed.wait(10)
    assert chunks[2] == joined(range(21, 31))
    assert items.num_read == 30  # nothing is read ahead of what the client takes
    assert len(items.threads) == 1
    assert threading.get_ident() not in items.threads
    assert ended == [True]


async def answer_while_nothing_is_taken(response: StreamingResponse) -> list[Any]:
    """Take the head and no part of the body, without going; return what was sent whole."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(30)
        sent.append(message["type"])

    async def receive() -> Any:
        await asyncio.sleep(30)

    await response({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, receive, send)
    return sent


@pytest.mark.parametrize("kind", ["export", "live picture"])
def test_a_client_that_takes_nothing_is_given_up_without_an_error(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It once left two tracebacks in the log each time."""
    monkeypatch.setattr("edge_app.routes.stream.SEND_TIMEOUT_S", 0.02)
    slots = StreamSlots(1, kind="streams")

    async def run() -> list[Any]:
        response: StreamingResponse = (
            BatchedResponse(Items(), joined, slots=slots, media_type="text/plain")
            if kind == "export"
            else MjpegResponse(LiveHub(), source="line", slots=slots)
        )
        sent = await answer_while_nothing_is_taken(response)
        while slots.num_running:
            await asyncio.sleep(0.005)
        return sent

    assert asyncio.run(asyncio.wait_for(run(), 10)) == ["http.response.start"]
    assert [record.getMessage() for record in caplog.records] == [
        "a client took nothing of its answer for 0 s and is given up"
    ]


def test_a_client_that_goes_before_the_first_byte_leaves_its_slot() -> None:
    slots = StreamSlots(1, kind="exports")

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(30)

    async def run() -> None:
        response = BatchedResponse(Items(), joined, slots=slots, media_type="text/plain")
        await response({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, gone, send)
        while slots.num_running:
            await asyncio.sleep(0.005)

    asyncio.run(asyncio.wait_for(run(), 10))


def test_while_nothing_is_found_the_client_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_app.routes.stream.IDLE_S", 0.01)
    go_on = threading.Event()

    def slow() -> Iterator[int]:
        assert go_on.wait(10)
        yield 7

    async def run() -> list[bytes]:
        response = BatchedResponse(
            slow,
            joined,
            slots=StreamSlots(1, kind="replays"),
            media_type="text/plain",
            while_waiting=lambda: b"wait\n",
        )
        sent = []

        async def send(message: Any) -> None:
            sent.append(message.get("body", b""))
            if sent.count(b"wait\n") == 2:
                go_on.set()

        async def receive() -> Any:
            await asyncio.sleep(30)

        await response({"type": "http", "method": "GET", "asgi": {"spec_version": "2.3"}}, receive, send)
        return sent

    sent = asyncio.run(run())
    assert sent[1:3] == [b"wait\n", b"wait\n"]
    assert sent[-2:] == [b"7\n", b""]


def test_a_third_export_is_told_to_come_again(shared: Device) -> None:
    slots: StreamSlots = shared.client.app.state.exports
    slots.take()
    slots.take()
    try:
        answer = shared.get("inspections.csv")
        assert sentence_of(answer, 503) == "2 exports run already (the limit); ask again when one has ended"
        assert answer.headers["retry-after"] == "1"
    finally:
        slots.give_back()
        slots.give_back()
    assert shared.get("inspections.csv").status_code == 200
