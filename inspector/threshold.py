"""Thresholds from the scores of good calibration images alone, by a false-reject budget.

Source: the fail threshold is an order statistic, so its true false-reject rate is bounded without assuming a
distribution (Wilks, 1941); the bounds are those of Clopper and Pearson (1934).

Each image has a critical threshold: `judge` rejects it exactly below. Of n images the budget b lets
k = floor(b n) go; the fail threshold is the (n - k)-th smallest critical one, the smallest value at which at
most k images are rejected. With few images that is the largest of all, and how far it can be trusted is what
the interval and the warning say; no margin is added, for no number would be better founded.

The review threshold is chosen in the same way with a share of 5 %: about one good part in twenty is looked
at. It is never above the fail threshold, and equal to it with fewer than 20 images.
"""

import math
from dataclasses import dataclass
from typing import Iterable, List, Optional, Sequence, Tuple

import numpy as np

from inspector.errors import InputError
from inspector.postprocess import Thresholds, critical_threshold, default_min_area_px

REVIEW_SHARE = 0.05


@dataclass(frozen=True)
class ThresholdChoice:
    """Thresholds and what the calibration images say about them.

    false_reject_rate: share of the calibration images that `judge` rejects; never above the budget.
    interval: lower and upper bound of the true rate of parts, each at the confidence asked for, so that both
        together are the Clopper-Pearson interval of 2 * confidence - 1. The upper one holds although the
        same images chose the threshold.
    num_needed: good images of which not one may be rejected before the budget is shown at that confidence.
    warning: a sentence when there are fewer.
    """

    thresholds: Thresholds
    false_reject_budget: float
    confidence: float
    false_reject_rate: float
    interval: Tuple[float, float]
    num_images: int
    num_needed: int
    warning: Optional[str]


def choose_thresholds(
    calibration_scores: Iterable[np.ndarray],
    *,
    false_reject_budget: float = 0.005,
    confidence: float = 0.95,
    min_area_px: Optional[int] = None,
    groups: Optional[Sequence[str]] = None,
) -> ThresholdChoice:
    """Return the lowest thresholds that keep the false rejects of these good images within the budget.

    Args:
        calibration_scores: Raw score maps (H, W) of good images that no training has seen.
        false_reject_budget: Largest share of good parts that may FAIL, in (0, 1).
        confidence: Of each bound, in [0.5, 1).
        min_area_px: See `Thresholds`; by default `default_min_area_px` of the maps.
        groups: For each map the part that it shows. Shots of one part are no independent evidence: the
            bounds and the warning count parts, of which one is rejected when any of its shots is.

    Raises:
        InputError: no maps, maps of different sizes, or a number out of range.
        InspectorError: a map holds values that are not finite.
    """
    _check(false_reject_budget, confidence)
    critical, min_area_px = _critical_thresholds(calibration_scores, min_area_px)
    num_images = len(critical)
    fail = _lowest_within(critical, false_reject_budget)
    review = _lowest_within(critical, max(REVIEW_SHARE, false_reject_budget))
    num_rejected = int(np.count_nonzero(critical > fail))
    num_bad_parts, num_parts = _count_parts(critical > fail, groups)
    interval = clopper_pearson(num_bad_parts, num_parts, confidence=2 * confidence - 1)
    num_needed = images_needed(false_reject_budget, confidence=confidence)
    warning = None
    if num_parts < num_needed:
        what = "images" if num_parts == num_images else "parts"
        shots = "" if num_parts == num_images else f" on {num_images} images"
        warning = (
            f"{num_parts} good calibration {what}{shots} cannot show a false-reject rate of "
            f"{_percent(false_reject_budget)}: the observed {num_bad_parts} of {num_parts} is compatible "
            f"with up to {_percent(interval[1])} ({_percent(confidence)} confidence); "
            f"{num_needed} {what} are needed"
        )
    return ThresholdChoice(
        thresholds=Thresholds(fail=fail, review=review, min_area_px=min_area_px),
        false_reject_budget=false_reject_budget,
        confidence=confidence,
        false_reject_rate=num_rejected / num_images,
        interval=interval,
        num_images=num_images,
        num_needed=num_needed,
        warning=warning,
    )


def images_needed(rate: float, *, confidence: float) -> int:
    """Return how many images, none of them rejected, show that the true rate is at most `rate`."""
    return math.ceil(math.log1p(-confidence) / math.log1p(-rate) - 1e-9)


def clopper_pearson(num_hits: int, num_trials: int, *, confidence: float) -> Tuple[float, float]:
    """Return the two-sided interval of the rate behind `num_hits` of `num_trials`; both tails are equal."""
    tail = (1 - confidence) / 2
    low = 0.0
    if num_hits > 0:  # P(X >= num_hits) = tail, i.e. P(X <= num_hits - 1) = 1 - tail
        low = _rate_with_tail(num_hits - 1, num_trials, 1 - tail)
    high = 1.0 if num_hits == num_trials else _rate_with_tail(num_hits, num_trials, tail)
    return low, high


def _rate_with_tail(most: int, num_trials: int, probability: float) -> float:
    """Return the rate at which P(X <= most) is `probability`, by bisection: it falls as the rate rises."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        if _probability_of_at_most(most, num_trials, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _probability_of_at_most(most: int, num_trials: int, rate: float) -> float:
    """Return the binomial P(X <= most), summed in logarithms so that large counts do not overflow."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if most >= num_trials else 0.0
    log_rate, log_rest, log_all = math.log(rate), math.log1p(-rate), math.lgamma(num_trials + 1)
    return math.fsum(
        math.exp(
            log_all
            - math.lgamma(hits + 1)
            - math.lgamma(num_trials - hits + 1)
            + hits * log_rate
            + (num_trials - hits) * log_rest
        )
        for hits in range(most + 1)
    )


def _check(false_reject_budget: float, confidence: float) -> None:
    if not 0 < false_reject_budget < 1:
        raise InputError(f"false_reject_budget is {false_reject_budget}; it must be above 0 and below 1")
    if not 0.5 <= confidence < 1:
        raise InputError(f"confidence is {confidence}; it must be at least 0.5 and below 1")


def _critical_thresholds(scores: Iterable[np.ndarray], min_area_px: Optional[int]) -> Tuple[np.ndarray, int]:
    critical: List[float] = []
    shape: Optional[Tuple[int, ...]] = None
    for score in scores:
        if shape is None:
            shape = score.shape
        if score.shape != shape:
            raise InputError(
                f"calibration score maps have the shapes {shape} and {score.shape}; one is allowed"
            )
        if min_area_px is None:
            min_area_px = default_min_area_px((score.shape[0], score.shape[1]))
        critical.append(critical_threshold(score, min_area_px=min_area_px))
    if not critical or min_area_px is None:
        raise InputError(
            "there are no good calibration images, so no threshold can be chosen; add good images"
        )
    return np.array(critical), min_area_px


def _count_parts(rejected: np.ndarray, groups: Optional[Sequence[str]]) -> Tuple[int, int]:
    """Return how many parts have a rejected image, and how many there are."""
    if groups is None:
        return int(np.count_nonzero(rejected)), len(rejected)
    if len(groups) != len(rejected):
        raise InputError(
            f"{len(groups)} groups are given for {len(rejected)} calibration images; one each is needed"
        )
    return len({group for group, bad in zip(groups, rejected) if bad}), len(set(groups))


def _lowest_within(critical: np.ndarray, share: float) -> float:
    """Return the smallest of these values that at most `share` of them exceed."""
    allowed = math.floor(share * len(critical) + 1e-9)
    return float(np.sort(critical)[len(critical) - 1 - allowed])


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
