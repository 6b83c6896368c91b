"""Security headers on every answer, and no Range on any request."""

from typing import Dict

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT_HEADERS: Dict[str, str] = {
    # 'self' in connect-src covers WebSockets of the same host and port (CSP level 3).
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

# Range answers cost quadratic time in old Starlette (CVE-2025-62727), and nothing here needs them.
_DROPPED_REQUEST_HEADERS = {b"range", b"if-range"}


class StrictHeaders:
    """Puts the security headers on every answer and drops Range from every request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = [(name, value) for name, value in scope["headers"] if name not in _DROPPED_REQUEST_HEADERS]

        async def send_strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                own = headers.get("cache-control")  # a picture that never changes may be kept and asked for
                headers.update(STRICT_HEADERS)
                if own is not None:
                    headers["Cache-Control"] = own
            await send(message)

        await self._app({**scope, "headers": kept}, receive, send_strict)
