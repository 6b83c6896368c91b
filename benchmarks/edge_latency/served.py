"""The server as a process of its own, and clients that post to it."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSPECTIONS = "/api/v1/inspections"
_SERVE = "from edge_app.cli import app; app()"


@dataclass(frozen=True)
class Server:
    """A server that answers on `port`; `ready_s` passed from its start to its first answer."""

    process: subprocess.Popen[str]
    port: int
    ready_s: float

    @property
    def rss_mb(self) -> float:
        """Resident memory now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is kept."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON and return the answer's."""
        with closing(self.connect()) as connection:
            headers = {"content-type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {content[:300]!r}")
            return json.loads(content) if content else None


@contextmanager
def serving(bundle: Path | None, state: Path, *, threads: int) -> Iterator[Server]:
    """Serve `bundle`, None: the shipped one; nothing but the network has more than one thread."""
    given = [] if bundle is None else [str(bundle)]
    command = [sys.executable, "-c", _SERVE, *given, "--state", str(state), "--port", "0"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "INSPECTOR_MAX_REQUESTS_PER_S": "100000"}
    start_s = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--threads", str(threads), "--json"], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        server = Server(process, int(ready["url"].rsplit(":", 1)[1]), ready_s=time.perf_counter() - start_s)
        yield server
    finally:
        process.terminate()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def shipped_ready_s(folder: Path, *, threads: int, rounds: int) -> float:
    """Return the median time from the start of a process to its first line, with a new state folder each."""
    took_s = []
    for number in range(rounds):
        with serving(None, folder / f"shipped-{number}", threads=threads) as server:
            took_s.append(server.ready_s)
    return statistics.median(took_s)


@dataclass(frozen=True)
class Load:
    """What clients saw: milliseconds of every answer, and answers a second of all clients together."""

    took_ms: list[float]
    per_s: float


def post_many(server: Server, photo: bytes, *, num_clients: int, num_posts: int) -> Load:
    """Have clients post `num_posts` photos each, one after the other.

    Raises:
        RuntimeError: an answer was not 201, or said that the result was not stored.
    """
    took_ms: list[float] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with closing(server.connect()) as connection:
                for _ in range(num_posts):
                    took_ms.append(_post(connection, photo))
        except BaseException as error:
            errors.append(error)

    clients = [threading.Thread(target=work) for _ in range(num_clients)]
    start_s = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if errors:
        raise errors[0]
    return Load(took_ms, len(took_ms) / (time.perf_counter() - start_s))


def post_in_turn(
    server: Server, photo: bytes, between: Callable[[], object], *, num_posts: int
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of `between` and of one client's POST, each called once before the other."""
    between_ms, post_ms = [], []
    with closing(server.connect()) as connection:
        for _ in range(num_posts):
            start_s = time.perf_counter()
            between()
            between_ms.append((time.perf_counter() - start_s) * 1000)
            post_ms.append(_post(connection, photo))
    return between_ms, post_ms


def refuse_many(server: Server, num_bytes: int, *, num_posts: int) -> Load:
    """Post bodies of the photo's size that are no photo: what HTTP alone takes."""
    body = b"\0" * num_bytes
    took_ms = []
    start_s = time.perf_counter()
    with closing(server.connect()) as connection:
        for _ in range(num_posts):
            took_ms.append(_post(connection, body, expected=415))
    return Load(took_ms, num_posts / (time.perf_counter() - start_s))


def _post(connection: http.client.HTTPConnection, body: bytes, *, expected: int = 201) -> float:
    start_s = time.perf_counter()
    connection.request("POST", INSPECTIONS, body, {"content-type": "image/jpeg"})
    answer = connection.getresponse()
    content = answer.read()
    took_ms = (time.perf_counter() - start_s) * 1000
    if answer.status != expected or (expected == 201 and not json.loads(content)["stored"]):
        raise RuntimeError(f"POST answered {answer.status}: {content[:300]!r}")
    return took_ms
