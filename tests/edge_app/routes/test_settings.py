"""Settings are read, changed, and sent back whole; what cannot be is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.edge_app.routes.device import Device, sentence_of

WEBHOOK = {"kind": "webhook", "name": "mes", "url": "http://127.0.0.1:9/x", "outcomes": []}


def test_settings_that_are_sent_back_changed_hold_at_once(fresh: Device) -> None:
    settings: dict[str, Any] = fresh.get("settings").json()["settings"]
    assert settings["storage"]["photos"] == "all"
    settings["storage"]["photos"] = "non_pass"
    settings["destinations"] = [WEBHOOK]
    answer = fresh.send("PUT", "settings", json=settings)
    assert answer.status_code == 200
    assert answer.json()["needs_restart"] == []
    assert fresh.get("settings").json()["settings"] == answer.json()["settings"]
    assert fresh.parts.store.policy.photos == "non_pass"
    assert (fresh.folder / "state" / "settings.json").stat().st_mode & 0o777 == 0o600


def test_what_waits_for_a_restart_is_named(fresh: Device) -> None:
    settings = {**fresh.get("settings").json()["settings"], "device_id": "line-7"}
    assert fresh.send("PUT", "settings", json=settings).json()["needs_restart"] == ["device_id"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"storge": {}}, "key 'storge' is not known; did you mean 'storage'?"),
        ({"storage": {"fotos": "all"}}, "key 'fotos' is not known; did you mean 'photos'?"),
        ({"storage": {"photos": "some"}}, "body.storage.photos = 'some' is not valid"),
        ({"storage": {"max_age_days": -1}}, "body.storage.max_age_days = '-1' is not valid"),
        ({"destinations": [WEBHOOK, WEBHOOK]}, "two destinations are called 'mes'"),
        ({"destinations": [{**WEBHOOK, "kind": "smtp"}]}, "body.destinations.0 = "),
        ({"destinations": [{**WEBHOOK, "ulr": "x"}]}, "key 'ulr' is not known"),
    ],
)
def test_settings_that_cannot_be_get_one_sentence(
    shared: Device, change: dict[str, Any], sentence: str
) -> None:
    before = shared.get("settings").json()
    assert sentence in sentence_of(shared.send("PUT", "settings", json={**before["settings"], **change}), 422)
    assert shared.get("settings").json() == before
