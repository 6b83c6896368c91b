"""The table: what is not in it is refused, whatever way its path is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from edge_app.access.principals import Role
from edge_app.access.roles import TABLE, Access, Needed, is_plain, role_needed
from edge_app.routes.page import FILES
from tests.edge_app.access.guarded import Guarded, guarded
from tests.edge_app.app import client_of


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/", Access.PUBLIC),
        ("POST", "/", Access.UNKNOWN_METHOD),
        ("GET", "/api/v1/health", Access.PUBLIC),
        ("HEAD", "/api/v1/health", Access.UNKNOWN_METHOD),
        ("GET", "/api/v1/inspections/ab12/mask.png", Role.VIEWER),
        ("PUT", "/api/v1/inspections/ab12/decision", Role.OPERATOR),
        ("GET", "/api/v1/inspections/ab12/decision", Access.UNKNOWN_METHOD),
        ("POST", "/api/v1/models/rollback", Role.ADMIN),
        ("GET", "/api/v1/models/shadow", Access.UNKNOWN_METHOD),  # not a digest
        ("GET", "/api/v1/models/0a1b", Role.VIEWER),
        ("POST", "/api/v1/models/0a1b/activate", Role.ADMIN),
        ("WEBSOCKET", "/api/v1/live", Role.VIEWER),
        ("GET", "/api/v1/live", Access.UNKNOWN_METHOD),
        ("WEBSOCKET", "/api/v1/health", Access.UNKNOWN_METHOD),
        ("GET", "/api/v1", Access.UNKNOWN_PATH),
        ("GET", "/api/v1/new-route", Access.UNKNOWN_PATH),
        ("GET", "/api/v1/inspections/ab12/mask.png/more", Access.UNKNOWN_PATH),
    ],
)
def test_the_role_that_is_needed(method: str, path: str, needed: Needed) -> None:
    assert role_needed(method, path, pages=frozenset({"/"})) == needed


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//api/v1/settings",
        "/api//v1/settings",
        "/api/v1/settings/",
        "/api/v1/./settings",
        "/api/v1/health/../settings",
        "/api/v1/inspections/..",
        "/api/v1/inspections/../settings",
        "/api/v1/settings%2f",
        "/api/v1/%2e%2e/settings",  # what is left of %252e%252e
        "/api\\v1\\settings",
        "/api/v1/settings\x00",
        "/api/v1/settings\n",
        "/api/v1/inspections/a b",
        "/api/v1/inspections/é",
        "/API/v1/settings",
        "api/v1/settings",
        "/api/v1/inspections/" + "a" * 600,
    ],
)
def test_paths_that_are_not_what_they_look_like_are_unknown(path: str) -> None:
    assert role_needed("GET", path) is Access.UNKNOWN_PATH


def test_plain_paths() -> None:
    assert is_plain("/")
    assert is_plain("/api/v1/cameras/line-7.left")
    assert not is_plain("/api/v1/cameras/")


def routes_of(routes: Iterable[Any], prefix: str = "") -> set[tuple[str, str]]:
    """Every (method, path) that the app has, as its router sees them."""
    found = set()
    for route in routes:
        included = getattr(route, "original_router", None)  # how newer FastAPI keeps what was included
        if included is not None:
            found |= routes_of(included.routes, prefix + route.include_context.prefix)
        else:
            methods = getattr(route, "methods", None) or {"WEBSOCKET"}
            found |= {(method, prefix + route.path) for method in methods if method != "HEAD"}
    return found


def shape(path: str) -> str:
    """A path with its variable segments, whatever their names and endings, written alike."""
    return re.sub(r"\{[^}/]*\}(\.\w+)?", "{}", path)


def test_every_route_of_the_app_is_in_the_table() -> None:
    app = client_of().app
    found = {(method, shape(path)) for method, path in routes_of(app.routes)}
    assert {shape(path) for path in app.openapi()["paths"]} <= {path for _, path in found}
    listed = {(method, shape(path)) for method, path in TABLE} | {("GET", path) for path in FILES}
    assert found - listed == set(), "add these to edge_app/access/roles.py, with the role they need"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    # Everything in this module comes from one peer.
    return guarded(tmp_path_factory.mktemp("state"), max_requests_per_s=1e6)


ASKERS = (None, *Role)


@pytest.mark.parametrize(("method", "pattern"), list(TABLE))
def test_every_address_for_every_role(method: str, pattern: str, app: Guarded) -> None:
    path = re.sub(r"\{[^}]*\}", "ab12", pattern)
    needed = TABLE[method, pattern]
    admitted = 101 if method == "WEBSOCKET" else 200
    for role in ASKERS:
        reply = app.ask(method, path, secret=None if role is None else app.secrets[role])
        if needed is Access.PUBLIC or (role is not None and isinstance(needed, Role) and role >= needed):
            assert reply.status == admitted, (role, path)
        elif method == "WEBSOCKET":
            assert reply.status == 403, (role, path)
        else:
            assert reply.status == (401 if role is None else 403), (role, path)
            assert not reply.was_read, "refused before the body is read"


def test_a_route_that_is_not_in_the_table_is_closed_to_an_admin_too(app: Guarded, tmp_path: Path) -> None:
    for path in ("/api/v1/new-route", "/page.css"):
        assert app.ask("GET", path, secret=app.secrets[Role.ADMIN]).status == 404
    assert (
        guarded(tmp_path, host="127.0.0.1")
        .ask("GET", "/api/v1/new-route", client=("127.0.0.1", 1), host="localhost")
        .status
        == 404
    )
