"""Ends a running answer when the key or session that it was given for has ended."""

import asyncio
from contextlib import suppress
from typing import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.access.refusal import Refusal

CHECK_INTERVAL_S = 5.0


async def run_while_valid(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    is_valid: Callable[[], bool],
    interval_s: float = CHECK_INTERVAL_S,
) -> None:
    """Run `app`, asking `is_valid` every `interval_s`; when it says no, end the answer where it is."""
    has_started = False

    async def watched_send(message: Message) -> None:
        nonlocal has_started
        has_started = has_started or message["type"] in ("http.response.start", "websocket.accept")
        await send(message)

    task = asyncio.ensure_future(app(scope, receive, watched_send))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=interval_s)
            if not task.done() and not is_valid():
                await _stop(task)
                await _end(scope, send, has_started=has_started)
                return
        task.result()  # raises what the app raised
    finally:
        if not task.done():
            await _stop(task)


async def _stop(task: "asyncio.Future[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task


async def _end(scope: Scope, send: Send, *, has_started: bool) -> None:
    if not has_started:
        await Refusal(401, "the key or session ended; log in again").answer(scope, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "the session ended"})
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
