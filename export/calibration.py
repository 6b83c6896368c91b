"""Thresholds and reference figures from good images that no training has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from export.agreement import agreed_threshold
from export.evidence import Score
from inspector.console import Console
from inspector.dataset import Sample, read_frame
from inspector.manifest import FP32_TOLERANCE, Reference
from inspector.postprocess import Thresholds, critical_threshold, image_score
from inspector.preprocess import resize_frame
from inspector.reference import reference_of
from inspector.threshold import ThresholdChoice, choose_thresholds


@dataclass(frozen=True)
class Calibration:
    """What the good images say: thresholds, and what good parts look like."""

    choice: ThresholdChoice
    reference: Reference


def calibrate(
    samples: Sequence[Sample],
    score: Score,
    *,
    size_hw: tuple[int, int],
    false_reject_budget: float,
    console: Console,
    full_precision: Score | None = None,
) -> Calibration:
    """Score `samples` and choose the thresholds; `console` hears of them and of a warning.

    Args:
        full_precision: The FP32 network where `score` is of a reduced precision: the thresholds are then such
            that both give every one of these images the same verdict.

    Raises:
        InputError: the budget is out of range.
    """
    frames: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    with console.progress(len(samples), "calibrate") as advance:
        for sample in samples:
            frames.append(resize_frame(read_frame(sample.path), size_hw=size_hw))
            scores.append(score(frames[-1]))
            advance()
    choice = choose_thresholds(
        scores, false_reject_budget=false_reject_budget, groups=[sample.group for sample in samples]
    )
    if full_precision is None:
        choice = with_headroom(choice)
    else:
        choice = with_agreement(choice, scores, [full_precision(frame) for frame in frames])
    low, high = choice.interval
    console.say(
        f"thresholds  fail {choice.thresholds.fail:.4f}, review {choice.thresholds.review:.4f}, from "
        f"{choice.num_images} good photos; {100 * choice.false_reject_rate:.2f} % of them rejected "
        f"(true share {100 * low:.2f} to {100 * high:.2f} %)"
    )
    if choice.warning:
        console.warn(choice.warning)
    return Calibration(choice, reference_of(frames, [image_score(one) for one in scores]))


def with_headroom(choice: ThresholdChoice) -> ThresholdChoice:
    """Raise the thresholds by what the scores of a device may differ.

    They lie exactly on the score of a good image; without headroom a rounding error there would reject it.
    """
    thresholds = choice.thresholds
    raised = Thresholds(
        fail=min(1.0, thresholds.fail + FP32_TOLERANCE),
        review=min(1.0, thresholds.review + FP32_TOLERANCE),
        min_area_px=thresholds.min_area_px,
    )
    return replace(choice, thresholds=raised)


def with_agreement(
    choice: ThresholdChoice, scores: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> ThresholdChoice:
    """Raise the thresholds to the next ones at which both networks agree on every image."""
    thresholds = choice.thresholds

    def critical(maps: Sequence[np.ndarray]) -> list[float]:
        return [critical_threshold(one, min_area_px=thresholds.min_area_px) for one in maps]

    first, second = critical(scores), critical(others)
    fail = agreed_threshold(thresholds.fail, first, second, headroom=FP32_TOLERANCE)
    review = agreed_threshold(thresholds.review, first, second, headroom=FP32_TOLERANCE)
    raised = Thresholds(fail=fail, review=min(review, fail), min_area_px=thresholds.min_area_px)
    return replace(choice, thresholds=raised)
