"""Slow headers are given up, slow answers are not. Floods are tested on a real server, in integration."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from edge_app import protocol
from edge_app.protocol import BoundedHttp


async def slow_app(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def talk(*parts: bytes) -> bytes:
    config = uvicorn.Config(slow_app, http=BoundedHttp, ws="none", lifespan="off", timeout_keep_alive=1)
    config.load()

    def connect() -> BoundedHttp:
        return BoundedHttp(config=config, server_state=ServerState(), app_state={})

    server = await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    answer = b""
    for part in parts:
        writer.write(part)
        answer += await asyncio.wait_for(reader.read(1000), 10)
    writer.close()
    server.close()
    return answer


@pytest.mark.parametrize("start", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_slow_headers_are_given_up(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.1)
    answer = asyncio.run(talk(start))
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert answer.endswith(b'{"detail":"the headers took too long"}')


def test_a_slow_answer_is_waited_for_on_every_request_of_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.1)
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert asyncio.run(talk(request, request)).count(b"HTTP/1.1 200 OK") == 2
