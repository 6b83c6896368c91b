"""Statistics count what the results say, by the hour or the day."""

from __future__ import annotations

from collections import Counter

import pytest

from edge_app.routes.times import iso_of
from tests.edge_app.routes.device import OUTCOMES, Device, sentence_of
from tests.edge_app.store.made import DAY_MS, HOUR_MS, NOON_MS, made

RESULTS = [
    made(
        created_ms=NOON_MS + hour * HOUR_MS + number,
        outcome=OUTCOMES[(hour + number) % 4],
        lot="A" if number % 2 else "B",
        image_score=number / 10,
    )
    for hour in (0, 1, 30)
    for number in range(6)
]
SPAN = {"from": iso_of(NOON_MS), "to": iso_of(NOON_MS + 3 * DAY_MS)}


@pytest.fixture(scope="module", autouse=True)
def _filled(shared: Device) -> None:
    shared.add(*RESULTS)


@pytest.mark.parametrize("lot", [None, "A"])
@pytest.mark.parametrize(("bucket", "bucket_ms"), [("hour", HOUR_MS), ("day", DAY_MS)])
def test_buckets_count_the_results(shared: Device, bucket: str, bucket_ms: int, lot: str | None) -> None:
    query = {**SPAN, "bucket": bucket, **({} if lot is None else {"lot": lot})}
    body = shared.get("statistics", params=query).json()
    chosen = [result for result in RESULTS if lot in (None, result.origin.lot)]
    expected = Counter((result.created_ms // bucket_ms * bucket_ms, result.outcome) for result in chosen)
    got = {(one["start"], name): num for one in body["buckets"] for name, num in one["counts"].items() if num}
    assert got == {(iso_of(start), outcome.value.lower()): num for (start, outcome), num in expected.items()}
    scores = [result.image_score for result in chosen if result.created_ms < NOON_MS + bucket_ms]
    if bucket == "hour":
        assert body["buckets"][0]["mean_score"] == pytest.approx(sum(s or 0 for s in scores) / len(scores))
    assert body["buckets"][0]["mean_latency_ms"] == 40.0
    assert (body["from"], body["to"], body["bucket"]) == (SPAN["from"], SPAN["to"], bucket)


def test_nothing_counted_is_no_bucket(shared: Device) -> None:
    assert shared.get("statistics", params={**SPAN, "source": "nobody"}).json()["buckets"] == []


def test_without_times_the_last_day_is_counted(fresh: Device) -> None:
    fresh.inspect()
    (bucket,) = fresh.get("statistics").json()["buckets"]
    assert sum(bucket["counts"].values()) == 1


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("bucket=week", "query.bucket = 'week' is not valid: Input should be 'hour' or 'day'"),
        ("from=2026-11-24T12:00Z&to=2026-11-24T11:00Z", "from = 2026-11-24T12:00:00.000Z is not before to"),
        ("from=0001-01-01T00:00Z", "buckets of one hour, the limit is 3000; ask for days or for a shorter"),
        ("from=2026-11-24", "from = '2026-11-24' is not an ISO 8601 time"),
        ("backet=day", "did you mean 'bucket'?"),
    ],
)
def test_a_question_that_cannot_be_gets_one_sentence(shared: Device, query: str, sentence: str) -> None:
    assert sentence in sentence_of(shared.get(f"statistics?{query}"), 422)


@pytest.mark.parametrize("query", ["to=9999-12-31T23:59:59-23:59", "to=0001-01-01T00:00:00Z&bucket=day"])
def test_the_ends_of_the_calendar_are_no_failure(shared: Device, query: str) -> None:
    assert shared.get(f"statistics?{query}").json()["buckets"] == []
