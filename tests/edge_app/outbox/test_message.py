"""What a receiver gets."""

from __future__ import annotations

import json

import pytest

from edge_app.outbox.message import (
    GAP,
    MAX_REGIONS,
    RESULT,
    check_device_id,
    gap_body,
    iso_utc,
    message_of,
    result_body,
)
from edge_app.services.result import Outcome
from inspector.errors import InputError
from tests.edge_app.outbox.parts import DEVICE, region, result


def test_a_result_becomes_json_without_its_picture() -> None:
    message = message_of(device_id=DEVICE, row_id=17, kind=RESULT, body=result_body(result(3, Outcome.FAIL)))
    content = json.loads(message.body)
    assert message.id == content["id"] == "nano-7:17"
    assert list(content) == ["id", "schema", "device", "type", "created", "result"]
    assert (content["schema"], content["type"], content["device"]) == (1, "result", DEVICE)
    assert content["created"] == "2025-11-24T16:00:00.003Z"
    inner = content["result"]
    assert (inner["id"], inner["verdict"], inner["image_score"]) == ("r3", "FAIL", 0.25)
    assert inner["thresholds"] == {"fail": 0.5, "review": 0.4, "min_area_px": 4, "version": 0}
    assert inner["origin"]["lot"] == "L7"
    assert inner["regions"][0]["box"] == {"x": 1, "y": 2, "width": 30, "height": 40}
    assert inner["shadow"]["verdict"] == "REVIEW"
    assert b"not sent" not in message.body


def test_the_same_row_gives_the_same_bytes_at_every_attempt() -> None:
    body = result_body(result())
    assert len({message_of(device_id=DEVICE, row_id=1, kind=RESULT, body=body).body for _ in range(3)}) == 1


def test_a_part_with_a_thousand_scratches_stays_a_small_message() -> None:
    inner = json.loads(result_body(result(0, Outcome.FAIL, regions=(region(),) * 1000)))["result"]
    assert (len(inner["regions"]), inner["num_regions"]) == (MAX_REGIONS, 1000)


def test_no_decision_has_its_reason_and_neither_score_nor_quality() -> None:
    undecided = result(
        0,
        Outcome.NO_DECISION,
        reason="frozen",
        image_score=None,
        quality=None,
        shadow=None,
        latency_ms=float("nan"),
    )
    inner = json.loads(result_body(undecided), parse_constant=pytest.fail)["result"]
    assert (inner["verdict"], inner["reason"]) == ("NO_DECISION", "frozen")
    assert inner["image_score"] is None
    assert inner["latency_ms"] is None
    assert "quality" not in inner
    assert "shadow" not in inner


def test_a_gap_counts_by_verdict_over_the_range_of_times_whatever_the_order() -> None:
    body = None
    for number, outcome in ((5, Outcome.PASS), (9, Outcome.PASS), (2, Outcome.REVIEW)):
        dropped = result_body(result(number, outcome))
        body = gap_body(body, dropped=dropped, created_ms=result(number).created_ms)
    assert body is not None
    message = message_of(device_id=DEVICE, row_id=5, kind=GAP, body=body)
    assert message.id == "nano-7:5-gap"
    assert json.loads(message.body)["gap"] == {
        "num_dropped": 3,
        "by_verdict": {"PASS": 2, "REVIEW": 1},
        "from": "2025-11-24T16:00:00.002Z",
        "to": "2025-11-24T16:00:00.009Z",
    }


@pytest.mark.parametrize(
    ("created_ms", "text"), [(0, "1970-01-01T00:00:00.000Z"), (999, "1970-01-01T00:00:00.999Z")]
)
def test_times_are_utc_with_milliseconds(created_ms: int, text: str) -> None:
    assert iso_utc(created_ms) == text


@pytest.mark.parametrize("device_id", ["", "a b", "line:7", "a/b", "x" * 65, "-a", "a+"])
def test_a_device_id_that_would_mean_something_elsewhere_is_refused(device_id: str) -> None:
    with pytest.raises(InputError, match="device id"):
        check_device_id(device_id)
