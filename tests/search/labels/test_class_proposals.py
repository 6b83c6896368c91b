"""Which labels are proposed for change, from probabilities alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import log_softmax

from search.labels.calibration import calibrated, temperature_of
from search.labels.class_proposals import judge_labels

LABELS = np.array([0] * 20 + [1] * 20)


def logits_of(
    p_right: float, *, flipped: tuple[int, ...] = (), p_flipped: float = 0.95
) -> npt.NDArray[np.float32]:
    """Logits that give the label `p_right`, or to the flipped ones the other class `p_flipped`."""
    p = np.full(40, p_right)
    p[list(flipped)] = 1 - p_flipped
    both = np.stack([p, 1 - p], axis=1)
    both[20:] = both[20:, ::-1]
    return np.asarray(np.log(both), np.float32)


def test_what_all_seeds_doubt_is_proposed_most_certain_first() -> None:
    seeds = [
        logits_of(0.95, flipped=(3, 25)),
        logits_of(0.95, flipped=(3, 25)),
        logits_of(0.95, flipped=(3,)),
    ]
    verdict = judge_labels(seeds, LABELS)
    assert [(one.index, one.given, one.proposed, one.agreement) for one in verdict.suspicions] == [
        (3, 0, 1, 3),
        (25, 1, 0, 2),
    ]


def test_one_seed_alone_proposes_nothing() -> None:
    seeds = [logits_of(0.95, flipped=(3,), p_flipped=0.999), logits_of(0.6), logits_of(0.6)]
    assert judge_labels(seeds, LABELS, min_margin=0.0).suspicions == ()


def test_below_the_margin_is_counted_and_not_proposed() -> None:
    seeds = [logits_of(0.95, flipped=(3,), p_flipped=0.55)] * 2
    verdict = judge_labels(seeds, LABELS, min_margin=0.5)
    assert (verdict.suspicions, verdict.num_below_margin) == ((), 1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    p = np.exp(log_softmax(logits, axis=1))
    labels = (p.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert temperature_of(temperature * logits, labels) == pytest.approx(temperature, rel=0.05)


def test_calibration_changes_no_ranking() -> None:
    logits = np.random.default_rng(1).normal(0, 5, (50, 4)).astype(np.float32)
    assert np.array_equal(calibrated(logits, np.zeros(50, np.int64)).argmax(1), logits.argmax(1))
