"""Slow headers are given up, slow answers are not. Floods are tested on a real server, in integration."""

from __future__ import annotations

import asyncio
from typing import Any

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


async def listen(app: Any) -> asyncio.Server:
    config = uvicorn.Config(app, http=BoundedHttp, ws="none", lifespan="off", timeout_keep_alive=1)
    config.load()
    state = ServerState()

    def connect() -> BoundedHttp:
        return BoundedHttp(config=config, server_state=state, app_state={})

    return await asyncio.get_running_loop().create_server(connect, "127.0.0.1", 0)


async def talk(*parts: bytes) -> bytes:
    server = await listen(slow_app)
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


REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_one_connection_too_many_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 2)

    async def connect_thrice() -> tuple[bytes, bytes]:
        server = await listen(slow_app)
        address = server.sockets[0].getsockname()[:2]
        held = [await asyncio.open_connection(*address) for _ in range(2)]
        held[0][1].write(REQUEST)
        reader, writer = await asyncio.open_connection(*address)
        refused = await asyncio.wait_for(reader.read(), 10)
        answered = await asyncio.wait_for(held[0][0].read(1000), 10)
        for one in (writer, *(writer for _, writer in held)):
            one.close()
        server.close()
        return refused, answered

    refused, answered = asyncio.run(connect_thrice())
    assert refused.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 2\r\n" in refused
    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")  # those that came before are served


@pytest.mark.parametrize(
    ("peers", "sentence"),
    [
        (["10.0.0.1", "10.0.0.1", "10.0.0.2"], None),
        (["10.0.0.1"] * 3, b"too many connections from this address"),
        (["127.0.0.1"] * 4, None),
        (["127.0.0.1"] * 5, b"too many connections; try again later"),
    ],
)
def test_one_address_cannot_keep_the_others_out(
    peers: list[str], sentence: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS", 4)
    monkeypatch.setattr(protocol, "MAX_CONNECTIONS_PER_PEER", 2)
    config = uvicorn.Config(slow_app, http=BoundedHttp, ws="none", lifespan="off")
    config.load()

    async def count() -> bytes | None:
        state = ServerState()
        for peer in peers:
            made = BoundedHttp(config=config, server_state=state, app_state={})
            made.client = (peer, 1)
            state.connections.add(made)
        return made._too_many_connections()

    assert asyncio.run(count()) == sentence


def test_a_peer_that_takes_nothing_of_its_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "STUCK_TIMEOUT_S", 0.1)
    ended: list[str] = []

    async def endless_app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

        async def pour() -> None:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})

        pouring = asyncio.ensure_future(pour())
        while (await receive())["type"] != "http.disconnect":
            pass
        pouring.cancel()
        ended.append("disconnected")

    async def take_nothing() -> None:
        server = await listen(endless_app)
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2], limit=1)
        writer.write(REQUEST)
        for _ in range(1000):
            if ended:
                break
            await asyncio.sleep(0.01)
        writer.close()
        server.close()

    asyncio.run(take_nothing())
    assert ended == ["disconnected"]
