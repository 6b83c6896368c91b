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
        """Send this as the answer to `scope`. A WebSocket is closed before it is accepted, which is a 403."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        body = json.dumps({"detail": self.detail}).encode()
        headers: List[Tuple[bytes, bytes]] = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        if scope["method"] not in ("GET", "HEAD"):
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
