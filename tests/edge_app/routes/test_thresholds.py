"""Thresholds are set on the device, hold for the next photo, and every version is kept with who set it."""

from __future__ import annotations

import pytest

from edge_app.startup import load_model
from tests.edge_app.routes.device import BAD, Device, sentence_of

STRICT = {"fail": 0.9, "review": 0.8, "min_area_px": 2}
BLIND = {"fail": 1.0, "review": 1.0, "min_area_px": 1}


def test_new_thresholds_hold_from_the_next_photo_on(fresh: Device) -> None:
    own = fresh.get("thresholds").json()
    _, card = load_model(fresh.folder / "tiny.bundle", threads=1)
    assert (own["version"], own["by"], own["when"]) == (0, None, None)
    assert own["thresholds"] == vars(card.thresholds)
    before = fresh.inspect(BAD)
    assert (before["verdict"], before["threshold_version"]) == ("FAIL", 0)

    changed = fresh.send("PUT", "thresholds", json=BLIND).json()
    assert (changed["version"], changed["thresholds"], changed["by"]) == (1, BLIND, "local")
    assert fresh.get("thresholds").json() == changed
    assert fresh.get("model").json()["thresholds"] == BLIND
    assert fresh.get("model").json()["own_thresholds"] == own["thresholds"]
    after = fresh.inspect(BAD)
    assert (after["verdict"], after["threshold_version"], after["thresholds"]) == ("PASS", 1, BLIND)
    assert fresh.get(f"inspections/{before['id']}").json()["verdict"] == "FAIL"

    again = fresh.send("PUT", "thresholds", json=STRICT).json()
    assert fresh.get("thresholds/history").json()["items"] == [again, changed, own]


def test_what_one_request_asks_for_has_no_version(shared: Device) -> None:
    assert shared.inspect(fail=0.7)["threshold_version"] is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fail": 1.5}, "body.fail = '1.5' is not valid: Input should be less than or equal to 1"),
        ({"review": 0.95}, "review is 0.95 and fail 0.9; they must obey 0 <= review <= fail <= 1"),
        ({"min_area_px": 0}, "body.min_area_px = '0' is not valid"),
        (
            {"reveiw": 0.1},
            "key 'reveiw' is not known; did you mean 'review'? Known are fail, min_",
        ),
    ],
)
def test_thresholds_that_cannot_be_get_one_sentence(
    shared: Device, change: dict[str, float], sentence: str
) -> None:
    assert sentence in sentence_of(shared.send("PUT", "thresholds", json={**STRICT, **change}), 422)
    assert shared.get("thresholds").json()["version"] == 0
