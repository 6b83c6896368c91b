"""Who is admitted: keys, sessions, other sites, proxies, lockout. All through the whole middleware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_app.access.principals import Role
from edge_app.access.rate_limit import FREE_TRIES
from inspector.errors import StorageError
from tests.edge_app.access.guarded import HOST, Guarded, guarded

ADMIN_READ = "/api/v1/settings"
READ = "/api/v1/model"
WRONG = "vi_" + "A" * 43
LOCAL: dict[str, Any] = {"client": ("127.0.0.1", 4000), "host": "localhost:8080"}


@pytest.fixture
def app(tmp_path: Path) -> Guarded:
    return guarded(tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Guarded:
    return guarded(tmp_path, host="127.0.0.1")


def test_this_machine_alone_needs_no_key_and_is_an_admin(local: Guarded) -> None:
    reply = local.ask("GET", ADMIN_READ, **LOCAL)
    assert (reply.status, reply.who) == (200, "local")
    assert local.ask("WEBSOCKET", "/api/v1/live", **LOCAL).body == b"local"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Forwarded-Proto"])
def test_a_proxy_does_not_make_the_network_local(header: str, local: Guarded) -> None:
    reply = local.ask("GET", READ, headers=[(header.lower(), "10.0.0.9")], **LOCAL)
    assert reply.status == 403
    assert "start it with --require-key" in reply.detail


def test_a_peer_from_elsewhere_is_never_local(local: Guarded) -> None:
    assert local.ask("GET", READ, client=("10.0.0.9", 1), host="localhost").status == 403
    assert local.ask("GET", READ, client=None, host="localhost").status == 403


def test_keys_can_be_asked_for_on_loopback_too(tmp_path: Path) -> None:
    app = guarded(tmp_path, host="127.0.0.1", require_key=True)
    assert app.ask("GET", READ, **LOCAL).status == 401
    reply = app.ask("GET", READ, secret=app.secrets[Role.VIEWER], **LOCAL)
    assert (reply.status, reply.who) == (200, "viewer")


def test_no_key_is_told_what_to_send(app: Guarded) -> None:
    reply = app.ask("GET", READ)
    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="inspector"')
    assert "Authorization: Bearer KEY" in reply.detail


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "bearer " + WRONG,
        "Bearer " + "x" * 10_000,
        "Bearer é\xff",
    ],
)
def test_what_is_no_key_is_refused(value: str, app: Guarded) -> None:
    assert app.ask("GET", READ, headers=[("authorization", value)]).status == 401


def test_two_keys_at_once_are_refused(app: Guarded) -> None:
    right = ("authorization", f"Bearer {app.secrets[Role.ADMIN]}")
    assert app.ask("GET", READ, headers=[right, right]).status == 401


def test_a_wrong_key_is_refused_at_public_addresses_too(app: Guarded) -> None:
    assert app.ask("GET", "/api/v1/health").who == "nobody"
    assert app.ask("GET", "/api/v1/health", secret=WRONG).status == 401


def test_a_revoked_key_ends_at_once_and_so_does_its_session(app: Guarded) -> None:
    secret = app.secrets[Role.OPERATOR]
    key = app.keys.find(secret)
    assert key is not None
    cookie = ("cookie", f"a=b; inspector_session={app.sessions.start(key.id)}")
    assert app.ask("GET", READ, headers=[cookie]).who == "operator"
    app.keys.revoke("operator")
    assert app.ask("GET", READ, headers=[cookie]).status == 401
    assert app.ask("GET", READ, secret=secret).status == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "inspector_session=",
        "inspector_session=wrong",
        "inspector_session={0}; inspector_session={0}",
        "other={0}",
        "xinspector_session={0}",
        "inspector_session={0}x",
        '"inspector_session={0}"',
    ],
)
def test_cookies_that_are_no_session(cookie: str, app: Guarded) -> None:
    token = app.sessions.start(app.keys.list()[0].id)
    assert app.ask("GET", READ, headers=[("cookie", cookie.format(token))]).status == 401


def test_wrong_keys_lock_a_peer_out_and_only_it(app: Guarded) -> None:
    statuses = [app.ask("GET", READ, secret=WRONG).status for _ in range(FREE_TRIES + 1)]
    assert statuses == [401] * (FREE_TRIES + 1)
    locked = app.ask("GET", READ, secret=app.secrets[Role.ADMIN])
    assert (locked.status, locked.headers["retry-after"]) == (429, "1")
    other = app.ask("GET", READ, secret=app.secrets[Role.ADMIN], client=("192.168.1.78", 1))
    assert other.status == 200


def test_a_session_goes_on_while_its_address_is_locked_out(app: Guarded) -> None:
    key = app.keys.find(app.secrets[Role.VIEWER])
    assert key is not None
    token = app.sessions.start(key.id)
    for _ in range(FREE_TRIES + 1):
        app.ask("GET", READ, secret=WRONG)
    assert app.ask("GET", READ, headers=[("cookie", f"inspector_session={token}")]).status == 200


def test_a_peer_that_asks_too_often_waits(tmp_path: Path) -> None:
    app = guarded(tmp_path, max_requests_per_s=0.001, host=HOST)
    reply = app.ask("GET", "/api/v1/health")
    assert (reply.status, reply.headers["retry-after"]) == (429, "996")
    near = guarded(tmp_path / "near", max_requests_per_s=0.001, host="127.0.0.1")
    assert near.ask("GET", READ, **LOCAL).status == 200  # this machine's own programs do not


SAME, OTHER = f"http://{HOST}", "https://evil.example"


@pytest.mark.parametrize(
    ("headers", "read", "write"),
    [
        ({}, 200, 200),  # curl
        ({"origin": SAME, "sec-fetch-site": "same-origin"}, 200, 200),
        ({"origin": f"https://{HOST}"}, 200, 200),  # TLS in front
        ({"origin": f"http://{HOST}:80"}, 200, 200),
        ({"origin": f"http://{HOST}:81"}, 200, 403),
        ({"origin": OTHER}, 200, 403),  # no CORS: the other site cannot read the answer
        ({"origin": "null"}, 200, 403),
        ({"origin": ""}, 200, 403),
        ({"origin": f"{SAME}.evil.example"}, 200, 403),
        ({"origin": f"ftp://{HOST}"}, 200, 403),
        ({"sec-fetch-site": "none"}, 200, 200),
        ({"sec-fetch-site": "cross-site"}, 403, 403),  # <img src=".../stream.mjpg"> on another site
        ({"sec-fetch-site": "same-site"}, 403, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200, 403),  # a link
        ({"sec-fetch-site": "cross-site", "origin": SAME}, 403, 403),
    ],
)
def test_requests_of_other_sites(headers: dict[str, str], read: int, write: int, app: Guarded) -> None:
    secret = app.secrets[Role.ADMIN]
    given = list(headers.items())
    assert app.ask("GET", READ, secret=secret, headers=given).status == read
    assert app.ask("PUT", ADMIN_READ, secret=secret, headers=given).status == write
    websocket = app.ask("WEBSOCKET", "/api/v1/live", secret=secret, headers=given)
    assert websocket.status == (101 if write == 200 else 403)


def test_other_sites_are_kept_from_a_server_without_keys(local: Guarded) -> None:
    for method, path in (("POST", "/api/v1/inspections"), ("WEBSOCKET", "/api/v1/live")):
        assert local.ask(method, path, headers=[("origin", OTHER)], **LOCAL).status == 403


@pytest.mark.parametrize("method", ["GET", "WEBSOCKET"])
def test_a_foreign_host_is_refused_before_anything_else(method: str, app: Guarded) -> None:
    path = READ if method == "GET" else "/api/v1/live"
    for host in ("evil.example", "a/api/v1/health?x=", "", f"{HOST}\n"):
        reply = app.ask(method, path, secret=app.secrets[Role.ADMIN], host=host)
        assert reply.status == (400 if method == "GET" else 403)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"query": b"a" * 4097}, 414),
        ({"headers": [(f"x{i}", "1") for i in range(70)]}, 431),
        ({"headers": [("x", "1" * 20_000)]}, 431),
        ({"query": b"a" * 4000, "headers": [(f"x{i}", "1") for i in range(60)]}, 200),
    ],
)
def test_heads_larger_than_any_of_ours(options: dict[str, Any], status: int, app: Guarded) -> None:
    assert app.ask("GET", "/api/v1/health", **options).status == status


def test_what_changes_something_is_written_down_with_who_did_it(app: Guarded) -> None:
    app.ask("PUT", ADMIN_READ, secret=app.secrets[Role.ADMIN])
    app.ask("GET", ADMIN_READ, secret=app.secrets[Role.ADMIN])
    app.ask("POST", "/api/v1/inspections", secret=app.secrets[Role.ADMIN])
    app.ask("POST", "/api/v1/session", secret=app.secrets[Role.VIEWER])
    app.ask("GET", READ, secret=WRONG)
    assert app.audited == [
        ("PUT /api/v1/settings", "admin", "status 200"),
        ("POST /api/v1/session", "viewer", "status 200"),
        ("key refused", "192.168.1.77", "a key that is not known or was revoked"),
    ]
    assert WRONG not in repr(app.audited)


def test_an_audit_log_that_cannot_be_written_stops_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*entry: str) -> None:
        raise StorageError("the disk is full")

    app = guarded(tmp_path, audit=full)
    assert app.ask("PUT", ADMIN_READ, secret=app.secrets[Role.ADMIN]).status == 200
    assert "the audit log lacks 'PUT /api/v1/settings' by admin (status 200): the disk is full" in caplog.text


@pytest.mark.parametrize(
    ("path", "method", "num_bytes", "status"),
    [
        ("/api/v1/inspections", "POST", 1_000_000, 200),
        ("/api/v1/inspections", "POST", 1_000_001, 413),
        ("/api/v1/models", "POST", 2_000_000, 200),
        ("/api/v1/models", "POST", 2_000_001, 413),
        ("/api/v1/settings", "PUT", 65_536, 200),
        ("/api/v1/settings", "PUT", 65_537, 413),
    ],
)
def test_bodies_are_bounded_by_what_they_are_for(
    path: str, method: str, num_bytes: int, status: int, tmp_path: Path
) -> None:
    app = guarded(tmp_path, max_body_mb=1, max_bundle_mb=2)
    headers = [("content-length", str(num_bytes))]
    reply = app.ask(method, path, secret=app.secrets[Role.ADMIN], headers=headers, body=b"x" * num_bytes)
    assert reply.status == status
    assert reply.was_read == (status == 200)
