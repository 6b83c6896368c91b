"""Everybody who uses a server at once: viewers, fast and slow, people in the history, other models."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from websockets.sync.client import connect

from benchmarks.edge_latency.served import Server

SLOW_BYTES, SLOW_PAUSE_S = 2048, 0.25
HISTORY_PAUSE_S = 0.5
QUESTIONS = (
    "/api/v1/inspections?limit=50",
    "/api/v1/inspections?limit=100&verdict=FAIL&verdict=REVIEW",
    "/api/v1/inspections?source=line&max_score=0.5",
    "/api/v1/statistics?bucket=hour",
    "/api/v1/drift",
    "/api/v1/cameras",
    "/api/v1/audit",
    "/api/v1/outbox",
    "/metrics",
    "/api/v1/health",
)
PICTURES = ("overlay", "mask", "score_npy", "image")


class Busy:
    """Threads that each repeat one thing until `close`. An error ends its thread and is kept."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """Stop, and wait for what is under way."""
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def swap_models(self, server: Server, bundles: list[Path], *, every_s: float) -> None:
        """Upload the bundles, and let one after the other serve."""
        digests = [_upload(server, bundle) for bundle in bundles]

        def swap() -> None:
            for digest in digests:
                if self._is_over.wait(every_s):
                    return
                server.ask("POST", f"/api/v1/models/{digest}/activate")
                self.counts["swaps"] += 1

        self._repeat("swaps", swap)

    def read_history(self, server: Server, *, seed: int) -> None:
        """Ask as the pages do, and look at the pictures of what comes back."""
        rng = random.Random(seed)

        def read() -> None:
            question = rng.choice(QUESTIONS)
            with closing(server.connect()) as connection:
                items = _get(connection, question)
                for item in items[:2]:
                    link = item["links"][rng.choice(PICTURES)]
                    if link is not None:
                        _get(connection, link, may_be_gone=True)
            self.counts["questions"] += 1
            self._is_over.wait(HISTORY_PAUSE_S)

        self._repeat("history", read)

    def watch(self, server: Server, camera: str, *, is_slow: bool) -> None:
        """Show the live picture; a slow viewer takes a few kilobytes a second."""
        name = "pictures to slow viewers" if is_slow else "pictures"

        def watch() -> None:
            with closing(server.connect()) as connection:
                connection.request("GET", f"/api/v1/cameras/{camera}/stream.mjpg")
                answer = connection.getresponse()
                if answer.status != 200:
                    raise RuntimeError(f"the live picture answered {answer.status}")
                while not self._is_over.is_set():
                    try:
                        data = answer.read1(SLOW_BYTES if is_slow else 65536)
                    except http.client.IncompleteRead:
                        data = b""
                    if not data:  # given up as too slow, also in the middle of a picture: connect again
                        self.counts[f"{name}: given up"] += 1
                        return
                    self.counts[name] += data.count(b"\xff\xd8\xff")
                    if is_slow:
                        self._is_over.wait(SLOW_PAUSE_S)

        self._repeat(name, watch)

    def follow(self, server: Server) -> None:
        """Take results from the WebSocket, and connect again after every thousand."""

        def take() -> None:
            with connect(f"ws://127.0.0.1:{server.port}/api/v1/live") as socket:
                for _ in range(1000):
                    if self._is_over.is_set():
                        return
                    socket.recv(timeout=30)
                    self.counts["messages"] += 1

        self._repeat("live", take)

    def _repeat(self, name: str, job: Callable[[], None]) -> None:
        def run() -> None:
            try:
                while not self._is_over.is_set():
                    job()
            except Exception as error:
                self.errors.append(f"{name}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()


def _upload(server: Server, bundle: Path) -> str:
    with closing(server.connect()) as connection:
        connection.request("POST", "/api/v1/models", bundle.read_bytes(), {"content-type": "application/zip"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        if answer.status != 201:
            raise RuntimeError(f"the upload answered {answer.status}: {content}")
        return str(content["digest"])


def _get(
    connection: http.client.HTTPConnection, path: str, *, may_be_gone: bool = False
) -> list[dict[str, dict[str, str]]]:
    """Return the items of an answer, if it has any."""
    connection.request("GET", path)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status == 404 and may_be_gone:  # removed by retention meanwhile
        return []
    if answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status}: {content[:200]!r}")
    if not path.startswith("/api/v1/inspections?"):
        return []
    items: list[dict[str, dict[str, str]]] = json.loads(content)["items"]
    return items
