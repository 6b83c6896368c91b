"""Health says what is wrong to those with a key, readiness whether a photo would be taken, to everybody."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_app.access.principals import Role
from edge_app.services.models import ModelSwappingError
from tests.edge_app.app import client_of, encoded, photo_frame
from tests.edge_app.routes.device import Device, device, sentence_of
from tests.edge_app.store.made import made

PATIENCE_S = 30.0
RUNTIME = {"name": "fake", "precision": "fp32", "state": "ready", "detail": ""}


def test_health_counts_what_happened() -> None:
    client = client_of()
    for defect in (255, 255, 100, 20):
        client.post(encoded(photo_frame(defect=defect)))
    client.post(encoded(photo_frame())[:100])
    health = client.get("/api/v1/health").json()
    assert health.pop("uptime_s") > 0
    details = health.pop("details")
    assert health == {"live": True, "ready": True}
    assert details["bundle"] == {"name": "bright", "version": "3"}
    assert (details["runtime"], details["num_waiting"], details["problems"]) == (RUNTIME, 0, [])
    assert details["counts"] == {"fail": 2, "review": 1, "pass": 1, "unreadable": 1}
    assert (details["store"]["state"], details["store"]["num_results"]) == ("ok", 4)


def test_readiness_is_a_200_or_a_503_with_the_reason(shared: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared.get("ready").json() == {"ready": True}

    def swapping() -> None:
        raise ModelSwappingError("no model answers now: it is being loaded; try again in a moment")

    monkeypatch.setattr(shared.parts.models, "serving", swapping)
    answer = shared.get("ready")
    assert sentence_of(answer, 503) == "no model answers now: it is being loaded; try again in a moment"
    assert answer.headers["retry-after"] == "1"
    health = shared.get("health").json()
    assert (health["live"], health["ready"], health["details"]["bundle"]) == (True, False, None)
    assert sentence_of(shared.client.post(encoded(photo_frame())), 503).startswith("no model answers now")


def test_what_is_wrong_is_said_in_sentences(fresh: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.send("POST", "cameras", json={"name": "c", "address": "rtsp://192.0.2.1/x", "trigger": "http"})
    monkeypatch.setattr(
        type(fresh.parts.outbox),
        "status",
        lambda _: [SimpleNamespace(kind="mqtt", name="line", last_error="refused")],
    )
    problems = fresh.get("health").json()["details"]["problems"]
    assert any(problem.startswith("camera c is ") for problem in problems)
    assert "mqtt line: refused" in problems


def test_a_stranger_learns_only_whether_it_lives(tmp_path: Path) -> None:
    with device(tmp_path, require_key=True) as opened:
        opened.add(made())
        assert opened.get("health").json()["details"] is None
        assert opened.get("ready").json() == {"ready": True}
        assert opened.get("inspections").status_code == 401
        secret = opened.parts.keys.add("eye", Role.VIEWER)
        headers = {"authorization": f"Bearer {secret}"}
        assert opened.get("health", headers=headers).json()["details"]["store"]["num_results"] == 1
        answer = opened.send("PUT", "settings", json={}, headers=headers)
        assert "needs the role admin" in sentence_of(answer, 403)


def _wait_for_audit(device: Device, *, num_entries: int) -> None:
    """An answer does not wait for its line in the audit log."""
    deadline_s = time.monotonic() + PATIENCE_S
    while len(device.get("audit").json()["items"]) < num_entries:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_the_audit_log_tells_who_changed_what(fresh: Device) -> None:
    for review in (0.1, 0.2, 2):
        fresh.send("PUT", "thresholds", json={"fail": 0.9, "review": review, "min_area_px": 1})
    _wait_for_audit(fresh, num_entries=3)
    first = fresh.get("audit", params={"limit": 2}).json()
    rest = fresh.get("audit", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert rest["next_cursor"] is None
    told = [(one["action"], one["by"], one["detail"]) for one in [*first["items"], *rest["items"]]]
    assert told == [("PUT /api/v1/thresholds", "local", f"status {status}") for status in (422, 200, 200)]
    assert "is not a cursor of this server" in sentence_of(fresh.get("audit?cursor=x"), 422)
