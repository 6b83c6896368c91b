"""Which files are kept, and what goes: tables."""

from __future__ import annotations

from typing import Any

import pytest

from edge_app.services.result import Outcome
from edge_app.store.policy import ROW_BYTES, OldRow, StoragePolicy, cutoff_ms, keeps_files, rows_to_drop
from inspector.errors import InputError
from tests.edge_app.store.made import DAY_MS, NOON_MS


@pytest.mark.parametrize(
    ("photos", "outcome", "num_passes", "kept"),
    [
        ("all", Outcome.PASS, 1, True),
        ("non_pass", Outcome.PASS, 0, False),
        ("non_pass", Outcome.REVIEW, 0, True),
        ("non_pass", Outcome.NO_DECISION, 0, True),
        ("sample", Outcome.FAIL, 1, True),
        ("sample", Outcome.PASS, 0, True),
        ("sample", Outcome.PASS, 1, False),
        ("sample", Outcome.PASS, 10, True),
        ("none", Outcome.FAIL, 0, False),
    ],
)
def test_files_kept(photos: str, outcome: Outcome, num_passes: int, kept: bool) -> None:
    assert keeps_files(StoragePolicy(photos=photos, sample_every=10), outcome, num_passes) is kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photos": "some"}, "photos is 'some'; choose one of all, non_pass, sample, none"),
        ({"sample_every": 0}, "sample_every is 0; it must be at least 1"),
        ({"max_age_days": 0}, "max_age_days is 0; it must be above 0"),
        ({"max_age_days": float("nan")}, "max_age_days is nan"),
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"min_free_bytes": -1}, "min_free_bytes -1"),
    ],
)
def test_policies_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        StoragePolicy(**change)


@pytest.mark.parametrize(
    ("now_ms", "wall_ms", "steady_ms", "days"),
    [
        (NOON_MS, 0, 0, 10),
        (NOON_MS, 5 * DAY_MS, 5 * DAY_MS, 10),
        (NOON_MS, DAY_MS, 0, 10),  # one day of drift is still a clock
        (NOON_MS, DAY_MS + 1, 0, None),  # set forward
        (NOON_MS, -DAY_MS - 1, 0, None),  # set back
        (1000, 0, 0, None),  # never set: 1970
    ],
)
def test_nothing_is_too_old_by_a_clock_that_jumped(
    now_ms: int, wall_ms: int, steady_ms: int, days: int | None
) -> None:
    cutoff = cutoff_ms(
        StoragePolicy(max_age_days=10), now_ms=now_ms, wall_elapsed_ms=wall_ms, steady_elapsed_ms=steady_ms
    )
    assert cutoff == (None if days is None else now_ms - days * DAY_MS)


ROW = 1000 + ROW_BYTES


@pytest.mark.parametrize(
    ("over", "short", "cutoff_days", "num"),
    [
        (0, 0, None, 0),
        (1, 0, None, 1),
        (ROW, 0, None, 1),
        (ROW + 1, 0, None, 2),
        (99 * ROW, 0, None, 5),
        (0, 1, None, 1),
        (0, 1001, None, 2),
        (0, 10**9, None, 3),  # the last day's results stay when others fill the disk
        (0, 0, 2.5, 2),
        (0, 0, 0, 4),  # nobody knows how old a result without a clock is
    ],
)
def test_rows_to_drop(over: int, short: int, cutoff_days: float | None, num: int) -> None:
    ages = (4, 3, 2, 0.5, 0)
    rows = [OldRow(i, f"r{i}", int(NOON_MS - age * DAY_MS), "image/jpeg", 1000) for i, age in enumerate(ages)]
    if cutoff_days == 0:
        rows[0] = OldRow(0, "r0", 5000, "image/jpeg", 1000)
    policy = StoragePolicy(max_bytes=10**6, min_free_bytes=10**9)
    dropped = rows_to_drop(
        policy,
        rows,
        used_bytes=10**6 + over,
        free_bytes=10**9 - short,
        cutoff=None if cutoff_days is None else int(NOON_MS - cutoff_days * DAY_MS),
        now_ms=NOON_MS,
    )
    expected = rows[1:4] if cutoff_days == 0 else rows[:num]
    assert dropped == expected
