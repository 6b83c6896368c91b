"""Exact AUPR, AUROC and PRO of pixel or image scores.

Source: average precision and AUROC as scikit-learn defines them (equal scores share one threshold); PRO as in
MVTec AD (IJCV 2021).
Differs from the source: PRO is integrated over every distinct score, not over a fixed number of thresholds.

Positives and negatives are sorted apart and counted against each other. No index array over all pixels is
built, so 20 million float32 scores need little more than one sorted copy.
"""

import math
from typing import Sequence, Tuple

import cv2
import numpy as np

from inspector.errors import InputError


def aupr(score: np.ndarray, label: np.ndarray) -> float:
    """Return the average precision: precision times the step of recall, summed over all distinct scores.

    Args:
        score: Any shape, any float type; higher means more likely defective.
        label: Same shape; other than 0 means defective.

    Raises:
        InputError: shapes differ, a score is NaN, or no label is defective (the figure does not exist then).
    """
    positive, negative = _sorted_by_class(score, label)
    if positive.size == 0:
        raise InputError("AUPR needs at least one defective label, but all of them are good; add defects")
    starts = _run_starts(positive)
    num_true = positive.size - starts  # at or above each distinct positive score
    num_false = negative.size - np.searchsorted(negative, positive[starts], side="left")
    num_tied = np.diff(starts, append=positive.size)
    return float(np.sum(num_tied * (num_true / (num_true + num_false))) / positive.size)


def auroc(score: np.ndarray, label: np.ndarray) -> float:
    """Return the chance that a defective score is above a good one; equal scores count one half.

    Args and errors are those of `aupr`; here both classes must be there.
    """
    positive, negative = _sorted_by_class(score, label)
    if positive.size == 0 or negative.size == 0:
        raise InputError(
            f"AUROC needs good and defective labels, but there are {negative.size} good and {positive.size} "
            "defective ones"
        )
    num_below = np.searchsorted(negative, positive, side="left").sum(dtype=np.int64)
    num_not_above = np.searchsorted(negative, positive, side="right").sum(dtype=np.int64)
    return (int(num_below) + int(num_not_above)) / (2 * positive.size * negative.size)


def pro(scores: Sequence[np.ndarray], masks: Sequence[np.ndarray], *, max_fpr: float = 0.3) -> float:
    """Return the mean overlap with the true regions, averaged over false positive rates from 0 to `max_fpr`.

    A region is an 8-connected component of a mask. Every region counts the same, whatever its area.

    Args:
        scores: Maps (H, W); sizes may differ between images.
        masks: One (H, W) for each map; other than 0 is defective.
        max_fpr: End of the integral, in (0, 1]; the result is divided by it, so 1.0 is perfect.

    Raises:
        InputError: nothing fits together, a score is NaN, or there is no region or no good pixel.
    """
    if not 0 < max_fpr <= 1:
        raise InputError(f"max_fpr is {max_fpr}; it must be above 0 and at most 1")
    if len(scores) != len(masks):
        raise InputError(f"there are {len(scores)} score maps but {len(masks)} masks")
    by_image = [_split(score, mask) for score, mask in zip(scores, masks)]
    positive = np.concatenate([of_image[0] for of_image in by_image] or [np.zeros(0)])
    negative = np.concatenate([of_image[1] for of_image in by_image] or [np.zeros(0)])
    del by_image
    if positive.size == 0 or negative.size == 0:
        raise InputError(
            f"PRO needs defective regions and good pixels, but there are {positive.size} defective and "
            f"{negative.size} good pixels"
        )
    weight = np.concatenate([region_weights(mask)[np.asarray(mask) != 0] for mask in masks])
    order = np.argsort(positive)
    positive, weight = positive[order], weight[order]
    levels, num_at_level = _levels(_highest(negative, share=max_fpr))
    # Overlap of all that is at or above positive[i]; one more entry for "above everything": nothing.
    overlap = np.append(np.cumsum(weight[::-1])[::-1], 0.0) / weight.sum()
    return truncated_area(
        num_at_level / negative.size,
        overlap_above=overlap[np.searchsorted(positive, levels, side="right")],
        overlap_from=overlap[np.searchsorted(positive, levels, side="left")],
        max_fpr=max_fpr,
    )


def region_weights(mask: np.ndarray) -> np.ndarray:
    """Return float64 (H, W): 1 / area of the region that a pixel belongs to, 0 outside all regions."""
    num_labels, labels, stats, _ = cv2.connectedComponentsWithStats(
        (mask != 0).astype(np.uint8), connectivity=8
    )
    weight = np.zeros(num_labels)
    weight[1:] = 1.0 / stats[1:, cv2.CC_STAT_AREA]
    return np.asarray(weight[labels])


def truncated_area(
    fpr_step: np.ndarray, *, overlap_above: np.ndarray, overlap_from: np.ndarray, max_fpr: float
) -> float:
    """Return the area under overlap against false positive rate, up to `max_fpr` and divided by it.

    Args:
        fpr_step: Share of the good pixels at each distinct score, from the highest score down.
        overlap_above: Overlap of what is strictly above that score: where the step begins.
        overlap_from: Overlap of what is at or above it: where the step, a straight line, ends.
    """
    begin = np.cumsum(fpr_step) - fpr_step
    width = np.clip(max_fpr - begin, 0.0, fpr_step)
    share = np.divide(width, fpr_step, out=np.zeros_like(width), where=fpr_step > 0)
    height = overlap_above + 0.5 * share * (overlap_from - overlap_above)
    return min(1.0, float(np.sum(width * height) / max_fpr))  # a sum of rounded shares can pass 1 by 1e-14


def _sorted_by_class(score: np.ndarray, label: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    positive, negative = _split(score, label)
    positive.sort()
    negative.sort()
    return positive, negative


def _split(score: np.ndarray, label: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return copies of the scores labelled defective and of those labelled good."""
    score, label = np.asarray(score), np.asarray(label)
    if score.shape != label.shape:
        raise InputError(
            f"scores have the shape {score.shape} but labels {label.shape}; they must be the same"
        )
    if np.isnan(score).any():
        raise InputError(f"{int(np.isnan(score).sum())} of {score.size} scores are not a number")
    is_defect = label != 0
    return score[is_defect], score[~is_defect]


def _run_starts(ascending: np.ndarray) -> np.ndarray:
    """Return the index at which each distinct value begins."""
    return np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))


def _highest(values: np.ndarray, *, share: float) -> np.ndarray:
    """Return at least that share of the values, from the highest down to a score that all of them reach."""
    lowest = values.size - math.ceil(share * values.size)
    values.partition(lowest)
    highest: np.ndarray = values[values >= values[lowest]]
    return highest


def _levels(values: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return the distinct values from the highest down and how often each occurs. Sorts `values` in place."""
    values.sort()
    starts = _run_starts(values)
    return values[starts][::-1], np.diff(starts, append=values.size)[::-1]
