"""What the freshness benchmark calls too old."""

from __future__ import annotations

import pytest

from benchmarks.freshness.ages import Inspected, freshness


@pytest.mark.parametrize(
    ("age_ms", "num_too_old", "num_over_interval"),
    [(40, 0, 0), (40.1, 0, 1), (120, 0, 1), (120.1, 1, 1)],
)
def test_the_limit_is_one_interval_and_one_inference(
    age_ms: float, num_too_old: int, num_over_interval: int
) -> None:
    frames = [Inspected(10, 80), Inspected(age_ms, 80), Inspected(0, 300)]
    found = freshness(frames, interval_ms=40)
    assert (found.num_frames, found.limit_ms, found.age_ms_max) == (3, 120, age_ms)
    assert (found.num_too_old, found.num_over_interval) == (num_too_old, num_over_interval)


def test_nothing_compared_is_no_result() -> None:
    with pytest.raises(ValueError, match="nothing is compared"):
        freshness([], interval_ms=40)
