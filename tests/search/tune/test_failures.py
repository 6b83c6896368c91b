"""The failure rate: what counts as a case, what as a failure, and a suite that never changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from inspector.postprocess import Thresholds, judge
from search.tune.failures import Failures, ScoreMaps, draw_suite, failures, is_right
from search.tune.perturbations import Frame, Mask, Seen
from tests.conftest import draw_part

SIDE = 32
THRESHOLDS = Thresholds(fail=0.5, review=0.4, min_area_px=1)
STRENGTHS = {"exposure": (0.5, 1.0), "shift": (3.0,)}


def mask_at(row: int, column: int) -> Mask:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[row : row + 8, column : column + 8] = 1
    return mask


def good(level: int) -> Seen:
    return Seen(np.full((SIDE, SIDE, 3), level, np.uint8), np.zeros((SIDE, SIDE), np.uint8))


def defective(level: int) -> Seen:
    seen = good(level)
    seen.frame[mask_at(12, 12) > 0] = 255
    return Seen(seen.frame, mask_at(12, 12))


def score_bright(frames: Sequence[Frame]) -> ScoreMaps:
    """A network that takes everything above level 128 for a defect."""
    return np.stack([(frame[..., 0] > 128).astype(np.float32) for frame in frames])


def whole(score: float) -> ScoreMaps:
    return np.full((SIDE, SIDE), score, np.float32)


@pytest.mark.parametrize(
    ("score", "mask", "right"),
    [
        (whole(0.0), np.zeros((SIDE, SIDE), np.uint8), True),
        (whole(0.45), np.zeros((SIDE, SIDE), np.uint8), True),  # REVIEW is no FAIL
        (whole(0.9), np.zeros((SIDE, SIDE), np.uint8), False),
        (whole(0.0), mask_at(4, 4), False),
        (mask_at(4, 4).astype(np.float32), mask_at(4, 4), True),
        (mask_at(4, 4).astype(np.float32), mask_at(22, 22), False),  # it fails for another reason
    ],
)
def test_when_a_judgement_is_right(score: ScoreMaps, mask: Mask, right: bool) -> None:
    assert is_right(judge(score, THRESHOLDS), mask) is right


def test_a_case_is_what_was_right_and_a_failure_is_what_no_longer_is() -> None:
    # One stop up or down: a level of 100 (light 0.127) becomes 139 or 71, so it passes 128 in one direction;
    # a level of 200 is a false reject from the start and no case.
    originals = [good(20), good(100), good(200), defective(20)]
    suite = draw_suite(originals, {"exposure": (1.0,)}, seed=0)
    found = failures(suite, score_bright, THRESHOLDS)
    assert found.num_cases == {"exposure": 3}
    brighter = suite.perturbed["exposure"][1].frame.max() > 128
    assert found.num_failed == {"exposure": int(brighter)}
    assert found.rate == int(brighter) / 3


def test_a_lost_defect_is_a_failure() -> None:
    suite = draw_suite([defective(20)], {"defocus": (20.0,)}, seed=0)
    assert failures(suite, score_bright, THRESHOLDS).rate == 1.0


def test_a_defect_that_moves_with_its_mask_is_still_found() -> None:
    suite = draw_suite([defective(20)], {"shift": (10.0,), "rotation": (5.0,)}, seed=0)
    found = failures(suite, score_bright, THRESHOLDS)
    assert (found.num_cases, found.rate) == ({"shift": 1, "rotation": 1}, 0.0)


def test_a_network_that_is_right_about_nothing_fails_everything() -> None:
    suite = draw_suite([good(200), good(220)], STRENGTHS, seed=0)
    found = failures(suite, score_bright, THRESHOLDS)
    assert found.rate == 1.0
    assert found.by_kind() == {"exposure": None, "shift": None}


def test_the_rate_counts_cases_and_by_kind_its_own() -> None:
    found = Failures(num_cases={"jpeg": 3, "shift": 1}, num_failed={"jpeg": 0, "shift": 1})
    assert found.rate == 0.25
    assert found.by_kind() == {"jpeg": 0.0, "shift": 1.0}


def test_pictures_do_not_depend_on_the_other_kinds_of_the_suite() -> None:
    originals = [Seen(draw_part(seed, (SIDE, SIDE)), mask_at(2, 2)) for seed in range(3)]
    both, one = (draw_suite(originals, kinds, seed=4) for kinds in (STRENGTHS, {"shift": (3.0,)}))
    assert len(both.perturbed["exposure"]) == 2 * len(originals)
    for a, b in zip(both.perturbed["shift"], one.perturbed["shift"], strict=True):
        assert np.array_equal(a.frame, b.frame)


def test_another_seed_draws_another_suite() -> None:
    originals = [Seen(draw_part(seed, (SIDE, SIDE)), mask_at(2, 2)) for seed in range(6)]
    first, second = (draw_suite(originals, {"shift": (8.0,)}, seed=seed) for seed in (0, 1))
    assert any(
        not np.array_equal(a.frame, b.frame)
        for a, b in zip(first.perturbed["shift"], second.perturbed["shift"], strict=True)
    )
