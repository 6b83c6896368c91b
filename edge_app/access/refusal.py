"""How a request is refused: one sentence, on HTTP as JSON, on a WebSocket before it is accepted."""

import json
from dataclasses import dataclass, field
from typing import Dict, List, Tuple

from starlette.types import Scope, Send


@dataclass(frozen=True)
class Refusal:
    """An answer instead of the one that was asked for. The connection ends: a body may be on its way."""

    status: int
    detail: str
    headers: Dict[str, str] = field(default_factory=dict)

    async def answer(self, scope: Scope, send: Send) -> None:
        """Send this as the answer to `scope`; a WebSocket is closed where it can be told no status."""
        if scope["type"] == "http":
            await self._send_as("http.response", send, close=scope["method"] not in ("GET", "HEAD"))
        elif "websocket.http.response" in scope.get("extensions", {}):
            await self._send_as("websocket.http.response", send, close=True)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": ""})

    async def _send_as(self, kind: str, send: Send, *, close: bool) -> None:
        body = json.dumps({"detail": self.detail}).encode()
        headers: List[Tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        if close:
            headers.append((b"connection", b"close"))
        await send({"type": f"{kind}.start", "status": self.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": body})
