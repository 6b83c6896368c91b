"""What OpenAPI says beyond the routes themselves: tags, keys, roles, and the answers that all share."""

import re
from typing import Any, Dict, List, Tuple

from fastapi import FastAPI

from edge_app.access.principals import Role
from edge_app.access.roles import Needed, role_needed
from edge_app.access.sessions import COOKIE
from edge_app.routes.answers import MEANINGS

TAGS: List[Dict[str, str]] = [
    {"name": "inspections", "description": "Send a photo, get its verdict."},
    {"name": "results", "description": "Stored results: lists, decisions, exports, statistics over time."},
    {"name": "pictures", "description": "Photo, overlay, mask and score map of a result. They never change."},
    {
        "name": "thresholds",
        "description": "What photos are judged by; stored on this device, not in the model.",
    },
    {"name": "cameras", "description": "Cameras and their triggers."},
    {"name": "live", "description": "Results and pictures as they come."},
    {
        "name": "models",
        "description": "Upload, activate, roll back and compare models; replay stored results.",
    },
    {"name": "outbox", "description": "Where results are sent: MQTT, webhooks, reject gates."},
    {"name": "device", "description": "Health, metrics, drift and the audit log."},
    {"name": "settings", "description": "What an administrator changes while the server runs."},
    {"name": "session", "description": "Log in with a key, for browsers."},
]

SCHEMES: Dict[str, Dict[str, str]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of this server: `Authorization: Bearer KEY`. `inspector keys add` makes one. "
        "A server that only its own machine can reach needs none.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The cookie that POST /api/v1/session sets.",
    },
}

SHARED: Tuple[int, ...] = (400, 414, 422)
GUARDED: Tuple[int, ...] = (401, 403, 429)

_METHODS = ("get", "put", "post", "delete")
_ERROR = {"$ref": "#/components/schemas/ErrorOut"}


def describe(app: FastAPI) -> None:
    """Have `app` describe its routes with what they share."""
    app.openapi_tags = list(TAGS)
    plain = app.openapi

    def openapi() -> Dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = completed(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def completed(schema: Dict[str, Any]) -> Dict[str, Any]:
    """Add keys, roles and shared errors to the description that FastAPI made; it is changed and returned."""
    components = schema.setdefault("components", {})
    components["securitySchemes"] = SCHEMES
    schema["security"] = [{name: []} for name in SCHEMES]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete(operation, role_needed(method.upper(), re.sub(r"\{[^}]*\}", "x", path)))
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own shape of a 422
        components.get("schemas", {}).pop(unused, None)
    return schema


def _complete(operation: Dict[str, Any], needed: Needed) -> None:
    statuses = SHARED + GUARDED if isinstance(needed, Role) else SHARED
    if isinstance(needed, Role):
        operation["description"] = (
            f"{operation.get('description', '')}\n\nNeeds the role {needed.label}.".strip()
        )
    else:
        operation["security"] = []
    for status in statuses:
        described = operation["responses"].setdefault(str(status), {})
        described["description"] = MEANINGS[status]
        described["content"] = {"application/json": {"schema": _ERROR}}
    operation["responses"] = dict(sorted(operation["responses"].items()))
