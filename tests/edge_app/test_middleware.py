"""No request passes with another machine's name, and every answer has the strict headers."""

from __future__ import annotations

from typing import Any

import pytest

from edge_app.access.strict_headers import STRICT_HEADERS
from tests.edge_app.app import client_of, encoded, photo_frame

REMOTE: dict[str, Any] = {"host": "0.0.0.0", "allowed_hosts": ("line7.factory",)}


@pytest.mark.parametrize(
    ("host", "local", "remote"),
    [
        ("127.0.0.1:8080", 200, 200),
        ("localhost", 200, 200),
        ("LOCALHOST:1", 200, 200),
        ("[::1]:8080", 200, 200),
        ("192.168.1.20:8080", 400, 200),  # an address cannot be pointed elsewhere, a name can
        ("line7.factory", 400, 200),
        ("evil.example", 400, 400),
        ("127.0.0.1.evil.example", 400, 400),
        ("a/public?x=", 400, 400),  # CVE-2026-48710
        ("127.0.0.1:8080@evil.example", 400, 400),
        ("127.0.0.1:notaport", 400, 400),
        ("", 400, 400),
    ],
)
def test_host_header(host: str, local: int, remote: int) -> None:
    headers = {"host": host}
    assert client_of().get("/api/v1/health", headers=headers).status_code == local
    assert client_of(**REMOTE).get("/api/v1/health", headers=headers).status_code == remote


def test_two_host_headers_are_refused() -> None:
    client = client_of()
    answer = client.get("/api/v1/health", headers=[("host", "localhost"), ("host", "localhost")])
    assert answer.status_code == 400
    assert "Host header" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/api/v1/health", 200), ("/nothing", 404), ("/api/v1/replay", 405)]
)
def test_every_answer_has_the_strict_headers_and_none_invites_other_sites(path: str, status: int) -> None:
    answer = client_of().get(path, headers={"origin": "http://evil.example"})
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in STRICT_HEADERS} == STRICT_HEADERS
    assert "access-control-allow-origin" not in answer.headers


def test_ranges_are_ignored() -> None:
    client = client_of()
    photo = encoded(photo_frame())
    link = client.post(photo).json()["links"]["image"]
    answer = client.get(link, headers={"range": "bytes=0-1,2-3", "if-range": "x"})
    assert (answer.status_code, answer.content) == (200, photo)


@pytest.mark.parametrize("path", ["/api/v1/health/", "/api/v1/inspections/"])
def test_there_are_no_redirects(path: str) -> None:
    assert client_of().get(path).status_code == 404
