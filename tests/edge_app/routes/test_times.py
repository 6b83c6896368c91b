"""Times go in and out as ISO 8601; what does not say its offset from UTC is refused."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from edge_app.routes.times import iso_of, ms_of
from inspector.errors import InputError

NOON_MS = int(datetime(2026, 11, 24, 12, tzinfo=timezone.utc).timestamp() * 1000)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-11-24T12:00:00Z", NOON_MS),
        ("2026-11-24t12:00:00z", NOON_MS),
        ("2026-11-24 12:00Z", NOON_MS),
        ("2026-11-24T12:00:00.5Z", NOON_MS + 500),
        ("2026-11-24T12:00:00.123456789Z", NOON_MS + 123),
        ("2026-11-24T13:00:00+01:00", NOON_MS),
        ("2026-11-24T13:00:00 01:00", NOON_MS),  # a plus sign that a query turned into a space
        ("2026-11-24T06:30:00-0530", NOON_MS),
        ("2026-11-24T11:59:60Z", NOON_MS),  # a leap second
        ("1969-12-31T23:59:59.999Z", -1),
        ("9999-12-31T23:59:60-23:59", 253402387200000 - 60_000),
        ("0001-01-01T00:00:00+23:59", -62135683140000),
    ],
)
def test_times_are_read_as_utc(text: str, ms: int) -> None:
    assert ms_of(text, name="from") == ms


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-11-24T12:00:00", r"from = '2026-11-24T12:00:00' does not say its offset from UTC; add Z"),
        ("2026-11-24", "is not an ISO 8601 time; write it like 2026-11-24T08:00:00Z"),
        ("1764000000", "is not an ISO 8601 time"),
        ("2026-13-01T00:00:00Z", "is not an ISO 8601 time"),
        ("2026-02-30T00:00:00Z", "is not an ISO 8601 time"),
        ("0000-01-01T00:00:00Z", "is not an ISO 8601 time"),
        ("2026-11-24T24:00:00Z", "is not an ISO 8601 time"),
        ("2026-11-24T12:60:00Z", "is not an ISO 8601 time"),
        ("2026-11-24T12:00:61Z", "is not an ISO 8601 time"),
        ("2026-11-24T12:00:00+24:00", "is not an ISO 8601 time"),
        ("２０２６-11-24T12:00:00Z", "is not an ISO 8601 time"),
        ("", "is not an ISO 8601 time"),
    ],
)
def test_other_texts_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        ms_of(text, name="from")


@pytest.mark.parametrize("ms", [0, 1, NOON_MS, NOON_MS + 999, -1])
def test_what_goes_out_can_come_in(ms: int) -> None:
    assert ms_of(iso_of(ms), name="to") == ms
    assert iso_of(ms).endswith("Z")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_that_its_offset_carries_out_of_the_calendar_is_shown_as_its_end(
    text: str, shown: str
) -> None:
    assert iso_of(ms_of(text, name="from")) == shown
