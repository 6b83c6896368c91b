"""A busy server is asked again as it says, while the caller has time; the key goes with every request."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_app.client.connection import Connection, address_of
from edge_app.client.errors import AnswerError, BusyServerError


class Scripted(http.server.ThreadingHTTPServer):
    """Answers with the statuses of a script, then 200, and remembers what was asked."""

    def __init__(self, script: list[tuple[int, bytes]]) -> None:
        self.script = script
        self.asked: list[tuple[str, str, str | None, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Scripted

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Authorization")
        self.server.asked.append((self.command, self.path, key, body))
        status, text = self.server.script.pop(0) if self.server.script else (200, b'{"ok": true}')
        self.send_response(status)
        self.send_header("Retry-After", "2")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def scripted(*script: tuple[int, bytes]) -> Iterator[Scripted]:
    server = Scripted(list(script))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def sleep(self, wait_s: float) -> None:
        self.slept.append(wait_s)
        self.now_s += wait_s

    def connection(self, server: Scripted, **options: float) -> Connection:
        return Connection(
            f"http://127.0.0.1:{server.server_port}",
            key="secret",
            timeout_s=10,
            max_wait_s=options.get("max_wait_s", 5.0),
            sleep=self.sleep,
            clock=lambda: self.now_s,
        )


BUSY = (503, b'{"detail": "8 photos wait"}')


@pytest.mark.parametrize("num_busy", [0, 1, 2])
def test_a_busy_server_is_asked_again_after_the_time_it_named(num_busy: int) -> None:
    clock = Time()
    with scripted(*[BUSY] * num_busy) as server:
        answer = clock.connection(server).request("POST", "/x", body=b"photo", media_type="image/png")
    assert answer.json() == {"ok": True}
    assert clock.slept == [2.0] * num_busy
    assert server.asked == [("POST", "/x", "Bearer secret", b"photo")] * (num_busy + 1)


def test_a_server_that_stays_busy_ends_in_its_sentence() -> None:
    clock = Time()
    with scripted(*[BUSY] * 9) as server, pytest.raises(BusyServerError, match="8 photos wait") as caught:
        clock.connection(server).request("GET", "/x")
    assert caught.value.status == 503
    assert clock.slept == [2.0, 2.0]


@pytest.mark.parametrize("text", [b"", b"<html>", b"[]", b'{"other": 1}'])
def test_a_refusal_without_a_sentence_names_its_status(text: bytes) -> None:
    with scripted((404, text)) as server, pytest.raises(AnswerError, match="status 404 and no reason"):
        Time().connection(server).request("GET", "/x")


def test_options_that_are_none_are_left_out_and_lists_are_repeated() -> None:
    query = {"lot": "A&B", "fail": None, "verdict": ["FAIL", "REVIEW"], "limit": 5}
    assert address_of("/a b", query) == "/a%20b?lot=A%26B&verdict=FAIL&verdict=REVIEW&limit=5"
    assert address_of("/a", None) == "/a"
