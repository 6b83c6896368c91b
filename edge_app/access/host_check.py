"""Refuses requests that name another host, or whose head is larger than any of ours.

Source: edge_reliability.md section 2 (CVE-2026-48710 "BadHost"; DNS rebinding).
"""

import re
from ipaddress import ip_address
from typing import List, Optional, Sequence, Tuple

from starlette.types import ASGIApp, Receive, Scope, Send

from edge_app.access.refusal import Refusal

MAX_HEADERS = 64
MAX_HEADER_BYTES = 16_384
MAX_QUERY_BYTES = 4_096

_HOST = re.compile(r"^(?P<name>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?$")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_WRONG_HOST = (
    "the Host header is missing or names a host that this server does not answer for; "
    "start it with --allowed-host NAME to allow a name"
)


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
        refusal = None if scope["type"] == "lifespan" else self._refuse(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await refusal.answer(scope, send)

    def _refuse(self, scope: Scope) -> Optional[Refusal]:
        if not self._allows(scope["headers"]):
            return Refusal(400, _WRONG_HOST)
        return _too_large(scope)

    def _allows(self, headers: List[Tuple[bytes, bytes]]) -> bool:
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        match = _HOST.match(hosts[0]) if len(hosts) == 1 else None
        if match is None or hosts[0].endswith("\n"):
            return False
        name = match.group("name").strip("[]").lower()
        return name in self._names or (self._any_address and _is_address(name))


def _too_large(scope: Scope) -> Optional[Refusal]:
    if len(scope["query_string"]) > MAX_QUERY_BYTES:
        return Refusal(
            414, f"the query has {len(scope['query_string'])} bytes, the limit is {MAX_QUERY_BYTES}"
        )
    num_headers = len(scope["headers"])
    num_bytes = sum(len(name) + len(value) for name, value in scope["headers"])
    if num_headers > MAX_HEADERS or num_bytes > MAX_HEADER_BYTES:
        return Refusal(
            431,
            f"the request has {num_headers} headers with {num_bytes} bytes, "
            f"the limits are {MAX_HEADERS} and {MAX_HEADER_BYTES}",
        )
    return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
