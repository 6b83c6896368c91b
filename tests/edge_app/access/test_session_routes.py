"""Log in with a key, be known by the cookie, log out; the whole way through the real routes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from edge_app.access.principals import Role
from edge_app.routes import session
from edge_app.routes.answers import add_error_handlers
from tests.edge_app.access.guarded import HOST, Guarded, Reply, guarded

PATH = "/api/v1/session"


@pytest.fixture
def app(tmp_path: Path) -> Guarded:
    return with_routes(tmp_path)


def with_routes(folder: Path, **settings: Any) -> Guarded:
    inner = FastAPI()
    add_error_handlers(inner)
    inner.include_router(session.router)
    made = guarded(folder, app=inner, **settings)
    inner.state.sessions = made.sessions
    return made


def cookie_of(reply: Reply) -> tuple[str, str]:
    return ("cookie", reply.headers["set-cookie"].split(";")[0])


def test_a_key_is_changed_for_a_cookie_and_the_cookie_ends(app: Guarded) -> None:
    made = app.ask("POST", PATH, secret=app.secrets[Role.OPERATOR])
    assert json.loads(made.body) == {"needs_key": True, "name": "operator", "role": "operator"}
    attributes = {part.strip().lower() for part in made.headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "path=/", "max-age=43200"}
    cookie = cookie_of(made)
    assert json.loads(app.ask("GET", PATH, headers=[cookie]).body)["role"] == "operator"
    ended = app.ask("DELETE", PATH, headers=[cookie])
    assert (ended.status, "max-age=0" in ended.headers["set-cookie"].lower()) == (204, True)
    assert json.loads(app.ask("GET", PATH, headers=[cookie]).body)["role"] is None


def test_each_login_has_another_cookie(app: Guarded) -> None:
    first, second = (app.ask("POST", PATH, secret=app.secrets[Role.VIEWER]) for _ in range(2))
    assert cookie_of(first) != cookie_of(second)


def test_a_cookie_set_behind_tls_is_for_tls_only(app: Guarded) -> None:
    origin = ("origin", f"https://{HOST}")
    made = app.ask("POST", PATH, secret=app.secrets[Role.VIEWER], headers=[origin])
    assert "secure" in made.headers["set-cookie"].lower().split("; ")


def test_nobody_gets_a_cookie_for_nothing(app: Guarded) -> None:
    for secret in (None, "vi_" + "x" * 43):
        refused = app.ask("POST", PATH, secret=secret)
        assert (refused.status, refused.headers.get("set-cookie")) == (401, None)


def test_another_site_can_neither_log_in_nor_out(app: Guarded) -> None:
    foreign = [("origin", "http://evil.example")]
    secret = app.secrets[Role.VIEWER]
    assert app.ask("POST", PATH, secret=secret, headers=foreign).status == 403
    cookie = cookie_of(app.ask("POST", PATH, secret=secret))
    assert app.ask("DELETE", PATH, headers=[cookie, *foreign]).status == 403
    assert json.loads(app.ask("GET", PATH, headers=[cookie]).body)["name"] == "viewer"


def test_the_page_learns_that_this_machine_needs_no_key(tmp_path: Path) -> None:
    app = with_routes(tmp_path, host="127.0.0.1")
    local: dict[str, Any] = {"client": ("127.0.0.1", 1), "host": "localhost"}
    known = {"needs_key": False, "name": "local", "role": "admin"}
    assert json.loads(app.ask("GET", PATH, **local).body) == known
    made = app.ask("POST", PATH, **local)
    assert (made.status, made.headers.get("set-cookie")) == (200, None)
