"""Decides about one request: who sent it, and whether they may. Reads the scope, never the body.

Source: edge_reliability.md section 2: default deny, exact paths, `scope["path"]` and never `request.url`.
"""

import math
from dataclasses import dataclass
from ipaddress import ip_address
from typing import AbstractSet, Callable, Optional, Union

from starlette.types import Scope

from edge_app.access.headers import bearer_key, session_token, values_of
from edge_app.access.keys import Key, Keys
from edge_app.access.principals import LOCAL, Principal, Role
from edge_app.access.rate_limit import Lockouts, PeerRates, peer_of
from edge_app.access.refusal import Refusal
from edge_app.access.roles import WEBSOCKET, Access, Needed, role_needed
from edge_app.access.same_origin import foreign_site
from edge_app.access.sessions import Sessions

Audit = Callable[[str, str, str], object]  # action, by, detail

_PROXY_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"via")
_NOT_KNOWN = "there is nothing at this address; the API is described at /api/v1/openapi.json"
_WRONG_METHOD = "this address does not take this method; the API is described at /api/v1/openapi.json"


@dataclass(frozen=True)
class Admitted:
    """A request that may go on. `who` is None for an anonymous one to a public address."""

    who: Optional[Principal]
    needed: Needed
    key_id: Optional[str] = None
    is_still_valid: Callable[[], bool] = lambda: True


Decision = Union[Admitted, Refusal]


class Gate:
    """Knows the keys, the sessions, and how often each peer asked.

    Args:
        needs_key: False only when no other machine can connect: then whoever asks is `local`, an admin.
        pages: Addresses that anybody may GET.
        audit: Told of sessions and refused keys.
    """

    def __init__(
        self,
        *,
        needs_key: bool,
        keys: Keys,
        sessions: Sessions,
        rates: PeerRates,
        pages: AbstractSet[str],
        audit: Audit,
    ) -> None:
        self.sessions = sessions
        self.audit = audit
        self._needs_key = needs_key
        self._keys = keys
        self._rates = rates
        self._pages = frozenset(pages)
        self._lockouts = Lockouts()

    def decide(self, scope: Scope, now_s: float) -> Decision:
        """Return who may go on, or why not. `now_s` is monotonic."""
        peer = peer_of(scope.get("client"))
        wait_s = 0.0 if _is_loopback(scope) else self._rates.wait_s(peer, now_s)
        if wait_s > 0:
            return _too_often("requests from this address", wait_s)
        method = WEBSOCKET if scope["type"] == "websocket" else scope["method"]
        needed = role_needed(method, scope["path"], pages=self._pages)
        if needed is Access.UNKNOWN_PATH:
            return Refusal(404, _NOT_KNOWN)
        if needed is Access.UNKNOWN_METHOD:
            return Refusal(405, _WRONG_METHOD)
        site = foreign_site(scope)
        if site is not None:
            return Refusal(403, f"another web site sent this request ({site}); open the page of this server")
        found = self._identify(scope, peer, now_s)
        return found if isinstance(found, Refusal) else _authorise(found, needed)

    def _identify(self, scope: Scope, peer: str, now_s: float) -> Union[Refusal, Admitted]:
        if not self._needs_key:
            return _local(scope)
        secret = bearer_key(scope)
        if secret is not None:
            return self._by_key(secret, peer, now_s)
        token = session_token(scope)
        key = None if token is None else self._key_of_session(token)
        if key is None or token is None:
            return Admitted(None, Access.PUBLIC)
        is_still_valid = _SessionCheck(self, token)
        return Admitted(key.principal, Access.PUBLIC, key.id, is_still_valid)

    def _by_key(self, secret: str, peer: str, now_s: float) -> Union[Refusal, Admitted]:
        wait_s = self._lockouts.wait_s(peer, now_s)
        if wait_s > 0:
            return _too_often("wrong keys from this address", wait_s)
        key = self._keys.find(secret)
        if key is None:
            self._lockouts.failed(peer, now_s)
            self.audit("key refused", peer, "a key that is not known or was revoked")
            return _unauthorised("this key is not known or was revoked; `inspector keys list` shows the keys")
        self._lockouts.succeeded(peer)
        key_id = key.id
        return Admitted(key.principal, Access.PUBLIC, key_id, lambda: self._keys.get(key_id) is not None)

    def _key_of_session(self, token: str, *, touch: bool = True) -> Optional[Key]:
        key_id = self.sessions.find(token, touch=touch)
        return None if key_id is None else self._keys.get(key_id)

    def session_holds(self, token: str) -> bool:
        """Tell whether a session is still on, without counting that as use."""
        return self._key_of_session(token, touch=False) is not None


@dataclass(frozen=True)
class _SessionCheck:
    gate: Gate
    token: str

    def __call__(self) -> bool:
        return self.gate.session_holds(self.token)


def _local(scope: Scope) -> Union[Refusal, Admitted]:
    """Admit this machine's own programs; a proxy in front would make the whole network one of them."""
    if not _is_loopback(scope) or any(values_of(scope, name) for name in _PROXY_HEADERS):
        return Refusal(
            403,
            "this request came through a proxy, and the server was started without keys: start it with "
            "--require-key",
        )
    return Admitted(LOCAL, Access.PUBLIC)


def _authorise(found: Admitted, needed: Needed) -> Decision:
    if not isinstance(needed, Role):
        return Admitted(found.who, needed, found.key_id, found.is_still_valid)
    if found.who is None:
        return _unauthorised("this address needs a key; send it as `Authorization: Bearer KEY`, or log in")
    if found.who.role < needed:
        return Refusal(
            403,
            f"{found.who.name} has the role {found.who.role.label}; this needs the role {needed.label}",
        )
    return Admitted(found.who, needed, found.key_id, found.is_still_valid)


def _unauthorised(detail: str) -> Refusal:
    return Refusal(401, detail, {"WWW-Authenticate": 'Bearer realm="inspector"'})


def _too_often(what: str, wait_s: float) -> Refusal:
    seconds = max(1, math.ceil(wait_s))
    return Refusal(429, f"too many {what}; try again in {seconds} s", {"Retry-After": str(seconds)})


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    if client is None:
        return False
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False
