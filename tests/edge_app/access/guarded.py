"""An app behind the whole middleware whose every address says who asked; driven by bare ASGI scopes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.access.gate import Audit
from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from edge_app.access.sessions import Sessions
from edge_app.access.stack import middleware
from edge_app.settings import Settings

PAGES = frozenset({"/", "/page.js"})
HOST = "192.168.1.5"
PEER = ("192.168.1.77", 50_000)


async def who_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 with the asker's name; accept and close a WebSocket."""
    who = scope["state"]["who"]
    name = "nobody" if who is None else who.name
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": name})
        await send({"type": "websocket.close"})
        return
    body = b""
    more = scope["method"] not in ("GET", "HEAD")
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = json.dumps({"who": name, "num_bytes": len(body)}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": answer})


def wrapped(app: ASGIApp, stack: Iterable[Middleware]) -> ASGIApp:
    for layer in reversed(list(stack)):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


@dataclass
class Reply:
    status: int  # 101 for an accepted WebSocket, 403 for one closed before
    headers: dict[str, str]
    body: bytes
    was_read: bool

    @property
    def detail(self) -> str:
        return str(json.loads(self.body)["detail"])

    @property
    def who(self) -> str:
        return str(json.loads(self.body)["who"])


@dataclass
class Guarded:
    """The app, with a key for each role."""

    keys: Keys
    sessions: Sessions
    app: ASGIApp
    secrets: dict[Role, str]
    audited: list[tuple[str, str, str]] = field(default_factory=list)

    def ask(
        self,
        method: str,
        path: str,
        *,
        secret: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        client: tuple[str, int] | None = PEER,
        host: str = HOST,
        query: bytes = b"",
    ) -> Reply:
        given = [("host", host), *headers]
        if secret is not None:
            given.append(("authorization", f"Bearer {secret}"))
        is_websocket = method == "WEBSOCKET"
        scope: Scope = {
            "type": "websocket" if is_websocket else "http",
            "path": path,
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given],
            "client": client,
            "scheme": "http",
        }
        if not is_websocket:
            scope["method"] = method
        return asyncio.run(_talk(self.app, scope, body))


async def _talk(app: ASGIApp, scope: Scope, body: bytes) -> Reply:
    sent: list[Message] = []
    was_read = False

    async def receive() -> Message:
        nonlocal was_read
        was_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    first = sent[0]
    if first["type"].endswith("response.start"):
        headers = {name.decode().lower(): value.decode() for name, value in first["headers"]}
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return Reply(first["status"], headers, content, was_read)
    accepted = first["type"] == "websocket.accept"
    text = sent[1]["text"].encode() if accepted else b""
    return Reply(101 if accepted else 403, {}, text, was_read)


def guarded(folder: Path, *, app: ASGIApp = who_app, audit: Audit | None = None, **settings: Any) -> Guarded:
    """Return the app as it stands on an address that other machines reach."""
    chosen = Settings(**{"host": HOST, **settings})
    keys, sessions = Keys(folder), Sessions()
    audited: list[tuple[str, str, str]] = []
    stack = middleware(
        chosen, keys, sessions, pages=PAGES, audit=audit or (lambda *entry: audited.append(entry))
    )
    secrets = {role: keys.add(role.label, role) for role in Role}
    return Guarded(keys, sessions, wrapped(app, stack), secrets, audited)
