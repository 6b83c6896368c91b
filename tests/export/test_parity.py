"""The parity gate counts what it compared, refuses what differs, and does not pass on nothing."""

from __future__ import annotations

import numpy as np
import pytest

from export.parity import check_parity, compare, summary
from inspector.errors import ParityError
from inspector.postprocess import Thresholds

THRESHOLDS = Thresholds(fail=0.5, review=0.25, min_area_px=4)


def _scores(num_images: int, *, num_defective: int = 2) -> list[np.ndarray]:
    scores = [np.full((32, 32), 0.01, np.float32) for _ in range(num_images)]
    for score in scores[:num_defective]:
        score[8:24, 8:24] = 0.9
    return scores


def test_figures_of_the_difference() -> None:
    expected = _scores(16)
    found = [score.copy() for score in expected]
    found[3][0, :10] += np.float32(5e-5)
    record = check_parity(compare(expected, found, thresholds=THRESHOLDS))
    assert record.max == pytest.approx(5e-5, rel=1e-3)
    assert record.mean == pytest.approx(5e-5 * 10 / (16 * 1024), rel=1e-3)
    assert record.p50 == record.p99 == record.p99_9 == 0.0
    assert (record.num_images, record.num_above_threshold, record.num_verdict_flips) == (16, 2, 0)
    assert record.note is None


@pytest.mark.parametrize(("difference", "passes"), [(0.99e-4, True), (1.02e-4, False)])
def test_no_value_may_differ_by_more_than_the_limit(difference: float, passes: bool) -> None:
    expected = _scores(16)
    found = [score.copy() for score in expected]
    found[15][31, 31] += np.float32(difference)
    record = compare(expected, found, thresholds=THRESHOLDS)
    if passes:
        assert check_parity(record).max < 1e-4
    else:
        with pytest.raises(ParityError, match=r"by up to 0\.000102, the limit is 0\.0001 .*not written"):
            check_parity(record)


def test_flipped_verdicts_are_counted() -> None:
    expected = _scores(16)
    found = [score.copy() for score in expected]
    found[0][:] = 0.01
    record = compare(expected, found, thresholds=THRESHOLDS)
    assert record.num_verdict_flips == 1
    with pytest.raises(ParityError, match="1 verdicts flipped"):
        check_parity(record)


def test_nothing_compared_is_no_parity() -> None:
    with pytest.raises(ParityError, match="there are 0 and 0"):
        compare([], [], thresholds=THRESHOLDS)


def test_another_number_of_maps_is_no_parity() -> None:
    with pytest.raises(ParityError, match="there are 3 and 2"):
        compare(_scores(3), _scores(2), thresholds=THRESHOLDS)


def test_a_score_that_is_no_number_is_no_parity() -> None:
    found = _scores(16)
    found[0][0, 0] = np.nan
    with pytest.raises(ParityError, match="not a finite number"):
        compare(_scores(16), found, thresholds=THRESHOLDS)


@pytest.mark.parametrize(
    ("num_images", "num_damaged", "num_defective", "note"),
    [
        (16, 0, 1, None),
        (15, 0, 1, "only 15 real images were there, 16 are wanted"),
        (20, 8, 1, "only 12 real images were there, 16 are wanted"),
        (16, 0, 0, "no image is above the threshold"),
        (2, 0, 0, "only 2 real images were there, 16 are wanted; no image is above the threshold"),
    ],
)
def test_thin_evidence_is_said(
    num_images: int, num_damaged: int, num_defective: int, note: str | None
) -> None:
    scores = _scores(num_images, num_defective=num_defective)
    record = check_parity(compare(scores, scores, thresholds=THRESHOLDS, num_damaged=num_damaged))
    if note is None:
        assert record.note is None
    else:
        assert record.note is not None
        assert record.note.startswith(note)
        assert note in summary(record)
