"""A stream ends when the key it was given for is gone; everything else runs to its end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.access.revocation import run_while_valid

HTTP: Scope = {"type": "http", "method": "GET"}
WEBSOCKET: Scope = {"type": "websocket"}


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"frame", "more_body": True})
        await asyncio.sleep(0.001)


async def live(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.accept"})
    await receive()


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


def run(app: ASGIApp, scope: Scope, answers: list[bool]) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    def is_valid() -> bool:
        return answers.pop(0)

    asyncio.run(run_while_valid(app, scope, never, send, is_valid=is_valid, interval_s=0.01))
    assert not answers
    return sent


@pytest.mark.parametrize(
    ("app", "scope", "last"),
    [
        (stream, HTTP, {"type": "http.response.body", "body": b"", "more_body": False}),
        (live, WEBSOCKET, {"type": "websocket.close", "code": 1008, "reason": "the session ended"}),
        (silent, WEBSOCKET, {"type": "websocket.close", "code": 1008, "reason": ""}),
    ],
)
def test_a_stream_ends_with_its_session(app: ASGIApp, scope: Scope, last: Message) -> None:
    assert run(app, scope, [True, True, False])[-1] == last


def test_what_has_not_answered_yet_answers_401() -> None:
    sent = run(silent, HTTP, [False])
    assert (sent[0]["type"], sent[0]["status"]) == ("http.response.start", 401)


def test_an_app_that_ends_or_fails_by_itself_is_not_disturbed() -> None:
    async def quick(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError("a bug")

    assert len(run(quick, HTTP, [])) == 1
    with pytest.raises(ValueError, match="a bug"):
        run(failing, HTTP, [])


def test_the_app_is_cancelled_with_its_request() -> None:
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
        finally:
            ended.append("app")

    async def cancel() -> None:
        async def send(message: Message) -> None: ...

        running: asyncio.Task[Any] = asyncio.ensure_future(
            run_while_valid(app, HTTP, never, send, is_valid=lambda: True)
        )
        await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()

    asyncio.run(cancel())
    assert ended == ["app"]
