"""The list answers what the filter says, page by page; an option that cannot be gets one sentence."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from edge_app.routes.times import iso_of
from edge_app.services.result import Outcome, Result
from tests.edge_app.routes.device import OUTCOMES, Device, sentence_of
from tests.edge_app.store.made import NOON_MS, made

MINUTE_MS = 60_000


def _made(number: int, source: str, lot: str, outcome: Outcome) -> Result:
    is_decided = outcome is not Outcome.NO_DECISION
    return made(
        created_ms=NOON_MS + number * MINUTE_MS,
        source=source,
        lot=lot,
        outcome=outcome,
        reason="" if is_decided else "frozen",
        image_score=number / 24 if is_decided else None,
        digest="d1" if number % 3 else "d2",
        shadow=Outcome.PASS if number % 5 == 0 else None,
    )


COMBINATIONS = itertools.product(("left", "right"), ("L1", "L2", ""), OUTCOMES)
RESULTS = [_made(number, *combination) for number, combination in enumerate(COMBINATIONS)]
DECISIONS = ("good", "defect", "unsure")


@pytest.fixture(scope="module", autouse=True)
def _filled(shared: Device) -> None:
    shared.add(*RESULTS)
    for number, word in enumerate(DECISIONS):
        answer = shared.send("PUT", f"inspections/{RESULTS[number].id}/decision", json={"decision": word})
        assert answer.status_code == 200


def ids_of(device: Device, query: dict[str, Any], *, limit: int = 7) -> list[str]:
    """Read the list page by page."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = {"limit": limit, **query, **({} if cursor is None else {"cursor": cursor})}
        body = device.get("inspections", params=page).json()
        found += [item["id"] for item in body["items"]]
        assert len(body["items"]) <= limit
        cursor = body["next_cursor"]
        if cursor is None:
            return found


def _has_word(result: Result, word: str | None) -> bool:
    index = RESULTS.index(result)
    return (DECISIONS[index] if index < len(DECISIONS) else None) == word


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ({}, lambda _: True),
        ({"source": "left"}, lambda r: r.origin.source == "left"),
        ({"source": ["left", "right"]}, lambda _: True),
        ({"source": "middle"}, lambda _: False),
        ({"lot": "L2"}, lambda r: r.origin.lot == "L2"),
        ({"lot": ""}, lambda r: r.origin.lot == ""),
        ({"verdict": "FAIL"}, lambda r: r.outcome is Outcome.FAIL),
        ({"verdict": ["FAIL", "NO_DECISION"]}, lambda r: r.outcome in (Outcome.FAIL, Outcome.NO_DECISION)),
        ({"model": "d2"}, lambda r: r.model.digest == "d2"),
        ({"min_score": 0.5}, lambda r: r.image_score is not None and r.image_score >= 0.5),
        ({"max_score": 0.25}, lambda r: r.image_score is not None and r.image_score <= 0.25),
        ({"from": iso_of(NOON_MS + 5 * MINUTE_MS)}, lambda r: r.created_ms >= NOON_MS + 5 * MINUTE_MS),
        ({"to": iso_of(NOON_MS + 5 * MINUTE_MS)}, lambda r: r.created_ms < NOON_MS + 5 * MINUTE_MS),
        (
            {"from": "2026-11-24T13:02:00+01:00", "to": "2026-11-24T12:04Z"},
            lambda r: 2 <= (r.created_ms - NOON_MS) / MINUTE_MS < 4,
        ),
        ({"decision": "good"}, lambda r: _has_word(r, "good")),
        ({"decision": "none"}, lambda r: _has_word(r, None)),
        ({"decision": "any"}, lambda r: not _has_word(r, None)),
        (
            {"source": "right", "lot": "L1", "verdict": "REVIEW", "min_score": 0.1},
            lambda r: (r.origin.source, r.origin.lot, r.outcome) == ("right", "L1", Outcome.REVIEW),
        ),
    ],
)
def test_pages_of_a_filter_hold_each_matching_result_once_newest_first(
    shared: Device, query: dict[str, Any], matches: Callable[[Result], bool]
) -> None:
    expected = [result.id for result in reversed(RESULTS) if matches(result)]
    assert ids_of(shared, query) == expected
    assert ids_of(shared, query, limit=500) == expected


def test_a_listed_result_is_the_one_that_its_own_address_answers(shared: Device) -> None:
    items = shared.get("inspections", params={"limit": 500}).json()["items"]
    assert len(items) == len(RESULTS)
    for item in items[::5]:
        assert shared.get(f"inspections/{item['id']}").json() == item


def test_a_result_tells_all_that_is_known_of_it(shared: Device) -> None:
    result = RESULTS[0]
    body = shared.get(f"inspections/{result.id}").json()
    assert (body["created"], body["verdict"], body["reason"]) == ("2026-11-24T12:00:00.000Z", "PASS", "")
    assert body["origin"] == {
        "source": "left",
        "trigger": "continuous",
        "lot": "L1",
        "captured": "2026-11-24T11:59:59.980Z",
        "frame_age_ms": 12.5,
    }
    assert body["model"] == {"name": "bracket", "version": "3", "digest": "d2"}
    assert body["threshold_version"] == 2
    assert body["quality"] == {"brightness": 0.4, "focus": 0.1}
    assert body["shadow"]["verdict"] == "PASS"
    assert body["decision"]["decision"] == "good"
    assert (body["stored"], body["not_stored_because"]) == (True, "")


def test_a_photo_that_cannot_be_trusted_has_a_reason_and_no_score(shared: Device) -> None:
    undecided = next(result for result in RESULTS if result.outcome is Outcome.NO_DECISION)
    body = shared.get(f"inspections/{undecided.id}").json()
    assert (body["verdict"], body["reason"], body["image_score"]) == ("NO_DECISION", "frozen", None)


def test_results_that_come_in_do_not_shift_pages(fresh: Device) -> None:
    fresh.add(*(made(created_ms=NOON_MS + number) for number in range(6)))
    first = fresh.get("inspections", params={"limit": 3}).json()
    fresh.add(made(created_ms=NOON_MS + 100))
    second = fresh.get("inspections", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    created = [item["created"][-4:-1] for item in [*first["items"], *second["items"]]]
    assert created == ["005", "004", "003", "002", "001", "000"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sorce=x", "query option 'sorce' is not known; did you mean 'source'? Known are cursor, decision, "),
        ("Verdict=FAIL", "did you mean 'verdict'?"),
        ("limit=0", "query.limit = '0' is not valid: Input should be greater than or equal to 1"),
        ("limit=501", "query.limit = '501' is not valid"),
        ("limit=1&limit=2", "query option 'limit' is given 2 times; give it once"),
        ("verdict=BAD", "query.verdict.0 = 'BAD' is not valid: Input should be 'PASS', 'REVIEW', 'FAIL' or"),
        ("from=2026-11-24T12:00:00", "from = '2026-11-24T12:00:00' does not say its offset from UTC"),
        ("to=yesterday", "to = 'yesterday' is not an ISO 8601 time"),
        ("from=2026-11-24T12:00Z&to=2026-11-24T12:00Z", "from = 2026-11-24T12:00Z is not before to ="),
        ("min_score=0.5&max_score=0.4", "min_score = 0.5 is above max_score = 0.4; swap them"),
        ("min_score=nan", "query.min_score = 'nan' is not valid"),
        ("cursor=abc", "'abc' is not a cursor of this server; use `next_cursor` of the page before"),
        ("decision=maybe", "query.decision = 'maybe' is not valid"),
    ],
)
def test_an_option_that_cannot_be_gets_one_sentence(shared: Device, query: str, sentence: str) -> None:
    assert sentence in sentence_of(shared.get(f"inspections?{query}"), 422)


@pytest.mark.parametrize("name", ["", "/image", "/overlay.jpg", "/mask.png", "/score.png", "/score.npy"])
@pytest.mark.parametrize("result_id", ["0123456789abcdef", "x%00y", "..", "r" * 100])
def test_an_unknown_result_is_a_404(shared: Device, result_id: str, name: str) -> None:
    assert (
        "nothing at this address"
        in (sentence := sentence_of(shared.get(f"inspections/{result_id}{name}"), 404))
        or "is not known" in sentence
    )
