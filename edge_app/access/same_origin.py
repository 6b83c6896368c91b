"""Whether a browser sent this request for a page of ours: other sites can send requests, but cannot hide it.

Source: Fetch Metadata (W3C), RFC 6454 (Origin).
"""

from typing import Optional, Sequence

from starlette.types import Scope

from edge_app.access.headers import values_of

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


def foreign_site(scope: Scope) -> Optional[str]:
    """Say what shows that another site sent this request, or None.

    What changes something, and every WebSocket, must come from a page of this server, or from a program
    that is no browser and sends neither header. A read may also come from a link that somebody followed.
    """
    sites = values_of(scope, b"sec-fetch-site")
    is_read = scope["type"] == "http" and scope["method"] in SAFE_METHODS
    if sites and not all(site in ("same-origin", "none") for site in sites):
        followed_link = is_read and values_of(scope, b"sec-fetch-mode") == ["navigate"]
        if not followed_link:
            return f"Sec-Fetch-Site: {sites[0][:40]}"
    if is_read:
        return None
    return _foreign_origin(values_of(scope, b"origin"), values_of(scope, b"host"))


def _foreign_origin(origins: Sequence[str], hosts: Sequence[str]) -> Optional[str]:
    if not origins:
        return None
    if len(origins) == 1 and len(hosts) == 1:
        scheme, separator, netloc = origins[0].lower().partition("://")
        if separator and scheme in _DEFAULT_PORTS and _is_same(netloc, hosts[0].lower(), scheme):
            return None
    return f"Origin: {origins[0][:80]}"


def _is_same(netloc: str, host: str, scheme: str) -> bool:
    """Compare host and port; the scheme may differ, since TLS may end in front of this server."""
    default = ":" + _DEFAULT_PORTS[scheme]
    return _without(netloc, default) == _without(host, default)


def _without(netloc: str, ending: str) -> str:
    return netloc[: -len(ending)] if netloc.endswith(ending) else netloc
