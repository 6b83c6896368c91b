"""What the freshness benchmark calls too old."""

from __future__ import annotations

import pytest

from benchmarks.freshness.ages import Inspected, freshness


@pytest.mark.parametrize(
    ("age_ms", "inference_ms", "num_too_old", "num_waited"),
    [
        (0, 80, 0, 0),
        (40, 80, 0, 0),  # exactly one interval
        (40.1, 80, 1, 1),
        (120, 80, 1, 1),
    ],
)
def test_a_frame_may_wait_for_one_interval(
    age_ms: float, inference_ms: float, num_too_old: int, num_waited: int
) -> None:
    found = freshness([Inspected(10, 90), Inspected(age_ms, inference_ms)], interval_ms=40)
    assert (found.num_frames, found.num_too_old, found.num_waited) == (2, num_too_old, num_waited)
    assert found.worst_share == pytest.approx(max(100 / 130, (age_ms + inference_ms) / (40 + inference_ms)))


def test_nothing_compared_is_no_result() -> None:
    with pytest.raises(ValueError, match="nothing is compared"):
        freshness([], interval_ms=40)
