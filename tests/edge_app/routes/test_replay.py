"""Replay lists the verdicts that would be others, ends with its client, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.edge_app.routes.device import BAD, GOOD, Device, sentence_of
from tests.edge_app.routes.test_models import upload


def replayed(device: Device, body: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    answer = device.send("POST", f"replay{query}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_other_thresholds_list_the_verdicts_that_change(fresh: Device) -> None:
    bad, _ = fresh.inspect(BAD, lot="A"), fresh.inspect(GOOD, lot="A")
    fresh.inspect(BAD, lot="B")
    before = fresh.get("inspections").json()
    lines = replayed(fresh, {"fail": 1.0, "review": 1.0}, "?lot=A")
    assert [line["kind"] for line in lines] == ["change", "summary"]
    change = lines[0]["change"]
    assert (change["id"], change["lot"]) == (bad["id"], "A")
    assert (change["before"], change["after"]) == ("FAIL", "PASS")
    assert change["score_after"] == bad["image_score"]
    counts = lines[1]["counts"]
    assert (counts["num_seen"], counts["num_judged"], counts["num_changed"]) == (2, 2, 1)
    assert counts["changed"] == [{"before": "FAIL", "after": "PASS", "num": 1}]
    assert fresh.get("inspections").json() == before


@pytest.mark.parametrize("role", ["serving", "shadow"])
def test_a_loaded_model_scores_the_photos_again(fresh: Device, tmp_path: Path, role: str) -> None:
    fresh.inspect(BAD)
    fresh.inspect(GOOD)
    digest = fresh.digest
    if role == "shadow":
        digest = upload(fresh, tmp_path, "2")
        fresh.send("PUT", "models/shadow", json={"digest": digest})
    (summary,) = replayed(fresh, {"digest": digest})
    assert (summary["kind"], summary["counts"]["num_judged"]) == ("summary", 2)
    lines = replayed(fresh, {"digest": digest, "fail": 1.0, "review": 1.0})
    assert [line["kind"] for line in lines] == ["change", "summary"]


def test_what_goes_wrong_on_the_way_is_the_last_line(fresh: Device) -> None:
    fresh.inspect(BAD, fail=0.4, review=0.3)
    (line,) = replayed(fresh, {"review": 0.9})
    assert line["kind"] == "error"
    assert "review threshold 0.9 is above the fail threshold 0.4" in line["error"]


def test_one_replay_runs_at_once(shared: Device) -> None:
    shared.client.app.state.replays.take()
    try:
        answer = shared.send("POST", "replay", json={"fail": 0.5})
        assert sentence_of(answer, 503).startswith("1 replays run already")
    finally:
        shared.client.app.state.replays.give_back()


@pytest.mark.parametrize(
    ("body", "query", "status", "sentence"),
    [
        ({}, "", 422, "there is nothing to replay: give a digest, or a threshold such as fail"),
        ({"digest": "0" * 64}, "", 404, "there is no model 000000000000 on this device"),
        ({"digest": "1"}, "", 422, "body.digest = '1' is not valid"),
        ({"fail": 2}, "", 422, "body.fail = '2' is not valid"),
        ({"fial": 0.5}, "", 422, "did you mean 'fail'?"),
        ({"fail": 0.5}, "?lott=1", 422, "did you mean 'lot'?"),
        ({"fail": 0.5}, "?from=2026", 422, "is not an ISO 8601 time"),
    ],
)
def test_a_replay_that_cannot_be_gets_one_sentence(
    shared: Device, body: dict[str, Any], query: str, status: int, sentence: str
) -> None:
    assert sentence in sentence_of(shared.send("POST", f"replay{query}", json=body), status)
    assert shared.client.app.state.replays.num_running == 0


def test_a_model_that_is_not_loaded_is_refused_with_what_to_do(shared: Device, tmp_path: Path) -> None:
    digest = upload(shared, tmp_path, "2")
    answer = shared.send("POST", "replay", json={"digest": digest})
    assert "is not loaded; let it look on first (PUT /api/v1/models/shadow)" in sentence_of(answer, 422)
