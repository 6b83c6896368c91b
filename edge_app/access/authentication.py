"""Asks the gate about every request and every WebSocket before any of its body is read. Plain ASGI.

Source: edge_reliability.md section 2: FastAPI reads bodies before its dependencies, so they come too late.
"""

import time
from typing import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_app.access.gate import Admitted, Audit, Gate
from edge_app.access.principals import Role
from edge_app.access.refusal import Refusal
from edge_app.access.revocation import run_while_valid

# Done many times a minute, and each leaves a result of its own.
_NOT_AUDITED = (("POST", "/api/v1/inspections"),)


class Authentication:
    """Puts `who` (a Principal; None at public addresses) and `key_id` into `scope["state"]`, or refuses."""

    def __init__(self, app: ASGIApp, *, gate: Gate, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._gate = gate
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        decision = self._gate.decide(scope, self._clock())
        if isinstance(decision, Refusal):
            await decision.answer(scope, send)
            return
        state = {**scope.get("state", {}), "who": decision.who, "key_id": decision.key_id}
        scope = {**scope, "state": state}
        if _changes(scope, decision):
            send = _audited(scope, send, decision, self._gate.audit)
        if decision.key_id is not None and _may_be_long(scope):
            await run_while_valid(self._app, scope, receive, send, is_valid=decision.is_still_valid)
        else:
            await self._app(scope, receive, send)


def _may_be_long(scope: Scope) -> bool:
    """Live streams and exports last; whoever loses the key loses them too."""
    return bool(scope["type"] == "websocket" or scope["method"] == "GET")


def _changes(scope: Scope, decision: Admitted) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] != "GET"
        and isinstance(decision.needed, Role)
        and (scope["method"], scope["path"]) not in _NOT_AUDITED
    )


def _audited(scope: Scope, send: Send, decision: Admitted, audit: Audit) -> Send:
    """Write down who changed what, with the status of the answer."""
    name = decision.who.name if decision.who is not None else "nobody"

    async def audited(message: Message) -> None:
        if message["type"] == "http.response.start":
            audit(f"{scope['method']} {scope['path']}", name, f"status {message['status']}")
        await send(message)

    return audited
