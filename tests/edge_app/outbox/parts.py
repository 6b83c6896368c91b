"""Results, a table and waiting, for the outbox's tests."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from edge_app.access.addresses import check_webhook_address
from edge_app.outbox.message import Message
from edge_app.outbox.outbox import Outbox
from edge_app.outbox.rules import DELIVERED, Answer
from edge_app.outbox.schema import OUTBOX_DDL
from edge_app.outbox.settings import read_destinations
from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, Photo, Result, ShadowAnswer
from edge_app.store.writer import Writer
from inspector.postprocess import Region, Thresholds

DEVICE = "nano-7"
LIMIT_S = 60.0
START_MS = 1_764_000_000_000
FAST = {"first_backoff_s": 0.02, "max_backoff_s": 0.1, "timeout_s": 2.0}
MODEL = ModelVersion("ab" * 32, "tile", "3", "onnxruntime-cpu")


def result(number: int = 0, outcome: Outcome = Outcome.PASS, **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "id": f"r{number}",
        "created_ms": START_MS + number,
        "outcome": outcome,
        "origin": Origin(
            source="cam1", trigger="continuous", lot="L7", captured_ms=START_MS, frame_age_ms=12.5
        ),
        "model": MODEL,
        "thresholds": Thresholds(0.5, 0.4, 4),
        "frame_hw": (480, 640),
        "photo": Photo(data=b"not sent"),
        "image_score": 0.25,
        "regions": (region(),) if outcome is Outcome.FAIL else (),
        "latency_ms": 20.0,
        "quality": FrameQuality(0.5, 11.0),
        "shadow": ShadowAnswer(MODEL, Outcome.REVIEW, 0.45),
    }
    return Result(**{**fields, **changes})


def region() -> Region:
    return Region(((1, 2), (3, 4)), 1, 2, 30, 40, 500, 0.7, 0.9)


def table() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(OUTBOX_DDL)
    return connection


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Poll until `condition` holds; the limit is there to end a test that hangs."""
    end_s = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"{what}: not within {LIMIT_S} s")
        time.sleep(0.005)


@contextmanager
def outbox_on(folder: Path, destinations: Iterable[dict[str, Any]]) -> Iterator[tuple[Outbox, Writer]]:
    """An outbox with the store's own writer; webhooks may go to this machine."""
    path = folder / "results.sqlite"
    writer = Writer(path)
    try:
        outbox = Outbox.open(
            path,
            writer,
            read_destinations(list(destinations)),
            DEVICE,
            check=partial(check_webhook_address, allow_loopback=True),
        )
        try:
            yield outbox, writer
        finally:
            outbox.close()
    finally:
        writer.close()


def put(outbox: Outbox, writer: Writer, results: Iterable[Result]) -> None:
    """Enqueue, each in a job of its own, and wait for the commits."""
    for future in [writer.submit(partial(_enqueue, outbox, one)) for one in results]:
        future.result(LIMIT_S)


def _enqueue(outbox: Outbox, one: Result, connection: sqlite3.Connection) -> None:
    outbox.enqueue(connection, one)


class ScriptedSender:
    """Answers as it is told, then with DELIVERED, and remembers what it was asked."""

    def __init__(self, script: Iterable[Answer] = ()) -> None:
        self.script = list(script)
        self.sent: list[Message] = []
        self.answered = threading.Semaphore(0)
        self.connected: bool | None = None

    def connect(self) -> str:
        return ""

    def send(self, message: Message) -> Answer:
        self.sent.append(message)
        answer = self.script.pop(0) if self.script else DELIVERED
        self.answered.release()
        return answer

    def close(self) -> None:
        self.connected = False

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.sent]
