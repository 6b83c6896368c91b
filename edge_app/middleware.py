"""What stands before every route: host check, upload limits, strict headers. Plain ASGI on `scope`."""

import asyncio
import re
import time
from ipaddress import ip_address
from typing import Dict, List, Optional, Sequence, Tuple

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT_HEADERS: Dict[str, str] = {
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
_HOST = re.compile(r"^(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?$")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


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
                MutableHeaders(scope=message).update(STRICT_HEADERS)
            await send(message)

        await self._app({**scope, "headers": kept}, receive, send_strict)


class HostCheck:
    """Refuses requests whose Host header names another machine, so that a web site cannot reach the server
    through a name of its own (DNS rebinding).

    Loopback names and `names` are allowed; with `any_address`, so is every plain IP address.
    """

    def __init__(self, app: ASGIApp, *, names: Sequence[str] = (), any_address: bool = False) -> None:
        self._app = app
        self._names = {name.strip("[]").lower() for name in (*_LOOPBACK_NAMES, *names)}
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self._allows(scope["headers"]):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {
                "detail": "the Host header is missing or names a host that this server does not answer for; "
                "start it with --allowed-host NAME to allow a name"
            },
            status_code=400,
        )
        await refusal(scope, receive, send)

    def _allows(self, headers: List[Tuple[bytes, bytes]]) -> bool:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        match = _HOST.match(hosts[0]) if len(hosts) == 1 else None
        if match is None:
            return False
        name = match.group("name").strip("[]").lower()
        return name in self._names or (self._any_address and _is_address(name))


class UploadLimits:
    """Bounds what requests with a body may cost: bytes (counted as they come), time, and how many at once."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, max_uploads: int, timeout_s: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_uploads = max_uploads
        self._timeout_s = timeout_s
        self._num_uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        refusal = self._refuse(_declared_length(scope["headers"]))
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._num_uploads += 1
        try:
            await self._app(scope, self._counted(receive), send)
        finally:
            self._num_uploads -= 1

    def _refuse(self, declared: Optional[int]) -> Optional[JSONResponse]:
        if declared is not None and declared > self._max_bytes:
            return JSONResponse(
                {"detail": self._too_large(declared)}, status_code=413, headers={"Connection": "close"}
            )
        if self._num_uploads >= self._max_uploads:
            return JSONResponse(
                {"detail": f"{self._num_uploads} uploads are in progress (the limit); send this one again"},
                status_code=503,
                headers={"Retry-After": "1", "Connection": "close"},
            )
        return None

    def _counted(self, receive: Receive) -> Receive:
        deadline_s = time.monotonic() + self._timeout_s
        num_bytes = 0
        is_complete = False

        async def counted() -> Message:
            nonlocal num_bytes, is_complete
            if is_complete:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, deadline_s - time.monotonic()))
            except asyncio.TimeoutError as error:
                raise _closing(408, f"the upload took longer than {self._timeout_s:g} s") from error
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._max_bytes:
                raise _closing(413, self._too_large(num_bytes))
            is_complete = not message.get("more_body", False)
            return message

        return counted

    def _too_large(self, num_bytes: int) -> str:
        return (
            f"the body has {num_bytes / 1e6:.1f} MB or more, the limit is {self._max_bytes / 1e6:g} MB; "
            "send a smaller or more compressed image"
        )


def _closing(status: int, detail: str) -> HTTPException:
    return HTTPException(status, detail, headers={"Connection": "close"})


def _declared_length(headers: List[Tuple[bytes, bytes]]) -> Optional[int]:
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
