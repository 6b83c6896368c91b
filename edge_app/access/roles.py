"""Which role each address needs: one table, and whatever is not in it is refused.

Source: edge_reliability.md section 2 (MLflow's new routes were open, Frigate's WebSocket had no role check).
"""

import re
from enum import Enum
from typing import AbstractSet, Dict, List, Tuple, Union

from edge_app.access.principals import Role

API = "/api/v1"
WEBSOCKET = "WEBSOCKET"  # the method under which the table lists WebSockets


class Access(Enum):
    """What the table says where it names no role."""

    PUBLIC = "public"  # anybody, without a key
    UNKNOWN_PATH = "unknown path"
    UNKNOWN_METHOD = "unknown method"


Needed = Union[Role, Access]
_Methods = Dict[str, Needed]

# {…} is one segment of a path.
TABLE: Dict[Tuple[str, str], Needed] = {
    ("GET", "/api/v1/health"): Access.PUBLIC,
    ("GET", "/api/v1/ready"): Access.PUBLIC,
    ("GET", "/api/v1/session"): Access.PUBLIC,
    ("POST", "/api/v1/session"): Role.VIEWER,
    ("DELETE", "/api/v1/session"): Access.PUBLIC,
    ("GET", "/api/v1/openapi.json"): Role.VIEWER,
    ("GET", "/metrics"): Role.VIEWER,
    # results
    ("POST", "/api/v1/inspections"): Role.OPERATOR,
    ("GET", "/api/v1/inspections"): Role.VIEWER,
    ("GET", "/api/v1/inspections.csv"): Role.VIEWER,
    ("GET", "/api/v1/inspections.ndjson"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}/image"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}/overlay.jpg"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}/mask.png"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}/score.png"): Role.VIEWER,
    ("GET", "/api/v1/inspections/{id}/score.npy"): Role.VIEWER,
    ("PUT", "/api/v1/inspections/{id}/decision"): Role.OPERATOR,
    ("GET", "/api/v1/statistics"): Role.VIEWER,
    ("GET", "/api/v1/labels.jsonl"): Role.VIEWER,
    # thresholds and settings
    ("GET", "/api/v1/thresholds"): Role.VIEWER,
    ("PUT", "/api/v1/thresholds"): Role.ADMIN,
    ("GET", "/api/v1/thresholds/history"): Role.VIEWER,
    ("GET", "/api/v1/settings"): Role.ADMIN,
    ("PUT", "/api/v1/settings"): Role.ADMIN,
    ("GET", "/api/v1/audit"): Role.ADMIN,
    # cameras
    ("GET", "/api/v1/cameras"): Role.VIEWER,
    ("POST", "/api/v1/cameras"): Role.ADMIN,
    ("GET", "/api/v1/cameras/{name}"): Role.VIEWER,
    ("PUT", "/api/v1/cameras/{name}"): Role.ADMIN,
    ("DELETE", "/api/v1/cameras/{name}"): Role.ADMIN,
    ("POST", "/api/v1/cameras/{name}/trigger"): Role.OPERATOR,
    ("GET", "/api/v1/cameras/{name}/frame.jpg"): Role.VIEWER,
    ("GET", "/api/v1/cameras/{name}/stream.mjpg"): Role.VIEWER,
    (WEBSOCKET, "/api/v1/live"): Role.VIEWER,
    # models
    ("GET", "/api/v1/model"): Role.VIEWER,
    ("GET", "/api/v1/model/examples/{file}"): Role.VIEWER,
    ("GET", "/api/v1/models"): Role.VIEWER,
    ("POST", "/api/v1/models"): Role.ADMIN,
    ("POST", "/api/v1/models/rollback"): Role.ADMIN,
    ("PUT", "/api/v1/models/shadow"): Role.ADMIN,
    ("DELETE", "/api/v1/models/shadow"): Role.ADMIN,
    ("GET", "/api/v1/models/disagreements"): Role.VIEWER,
    ("GET", "/api/v1/models/{digest}"): Role.VIEWER,
    ("POST", "/api/v1/models/{digest}/activate"): Role.ADMIN,
    ("POST", "/api/v1/replay"): Role.ADMIN,
    ("GET", "/api/v1/drift"): Role.VIEWER,
    # outbox
    ("GET", "/api/v1/outbox"): Role.VIEWER,
    ("GET", "/api/v1/outbox/{name}/dead"): Role.ADMIN,
    ("POST", "/api/v1/outbox/{name}/dead/requeue"): Role.ADMIN,
}

MAX_PATH_LENGTH = 512
# No percent sign or backslash is left after decoding once, so no second decoding can find one.
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")


def role_needed(method: str, path: str, *, pages: AbstractSet[str] = frozenset()) -> Needed:
    """Return the role that a request needs, or why there is nothing to ask for.

    Args:
        method: The HTTP method, or `WEBSOCKET`.
        path: `scope["path"]`, percent-decoded, as the router will see it.
        pages: Addresses of the page's files, which anybody may GET: they hold no data.
    """
    if path in pages:
        return Access.PUBLIC if method == "GET" else Access.UNKNOWN_METHOD
    methods = _methods_at(path)
    if not methods:
        return Access.UNKNOWN_PATH
    return methods.get(method, Access.UNKNOWN_METHOD)


def is_plain(path: str) -> bool:
    """Tell whether every segment of a path is what it looks like: not empty, `.`, `..`, or odd characters."""
    if path == "/":
        return True
    segments = path.split("/")
    return (
        len(path) <= MAX_PATH_LENGTH
        and segments[0] == ""
        and all(_SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments[1:])
    )


def _methods_at(path: str) -> _Methods:
    if not is_plain(path):
        return {}
    exact = _EXACT.get(path)
    if exact is not None:
        return exact
    segments = tuple(path.split("/"))
    for pattern, methods in _PATTERNS.get(len(segments), ()):
        if all(part.startswith("{") or part == segment for part, segment in zip(pattern, segments)):
            return methods
    return {}


def _index() -> Tuple[
    Dict[str, Dict[str, Needed]], Dict[int, List[Tuple[Tuple[str, ...], Dict[str, Needed]]]]
]:
    """Return the table by exact path, and by number of segments for paths with a variable one."""
    by_path: Dict[str, _Methods] = {}
    for (method, path), needed in TABLE.items():
        by_path.setdefault(path, {})[method] = needed
    exact = {path: methods for path, methods in by_path.items() if "{" not in path}
    patterns: Dict[int, List[Tuple[Tuple[str, ...], _Methods]]] = {}
    for path, methods in by_path.items():
        if "{" in path:
            segments = tuple(path.split("/"))
            patterns.setdefault(len(segments), []).append((segments, methods))
    return exact, patterns


_EXACT, _PATTERNS = _index()
