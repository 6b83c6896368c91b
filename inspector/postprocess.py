"""From a score map to mask, regions and verdict: the one definition for page, REST, `inspect` and `evaluate`.

Source: DRAEM (ICCV 2021) for the 21x21 average; the rules are design.md, section 4, "Score and verdict".
Differs from the source: the border is mirrored instead of filled with zeros, so a defect at the edge of the
picture is not dimmed. (Repeating the border pixel would give a single noisy one up to 100 times its weight.)
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import List, Optional, Tuple

import cv2
import numpy as np

from inspector.errors import InputError, InspectorError

WINDOW_AT_256 = 21
MIN_AREA_PX_AT_256 = 4
LEAST_SHARE = 0.5  # beside a straight border, half of a window counts


class Verdict(str, Enum):
    """What happens to a part."""

    PASS = "PASS"
    REVIEW = "REVIEW"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Thresholds:
    """Limits on the smoothed score, in 0..1: a pixel counts when it is strictly above.

    min_area_px: pixels of the network input; smaller regions do not count.
    """

    fail: float
    review: float
    min_area_px: int

    def __post_init__(self) -> None:
        if not 0 <= self.review <= self.fail <= 1:
            raise InputError(
                f"review is {self.review} and fail {self.fail}; they must obey 0 <= review <= fail <= 1"
            )
        if self.min_area_px < 1:
            raise InputError(f"min_area_px is {self.min_area_px}; it must be at least 1")


@dataclass(frozen=True)
class Region:
    """A connected group of pixels above the threshold; `contour` is its outer border as (x, y)."""

    contour: Tuple[Tuple[int, int], ...]
    x: int
    y: int
    width: int
    height: int
    area_px: int
    mean_score: float
    peak_score: float


@dataclass(frozen=True)
class Judgement:
    """The verdict and what it rests on; `regions` from the highest peak down, `mask` holds their pixels."""

    verdict: Verdict
    image_score: float
    mask: np.ndarray
    regions: Tuple[Region, ...]

    def scaled_to(self, frame_hw: Tuple[int, int]) -> "Judgement":
        """Return the same judgement with contours, boxes, areas and mask in pixels of a frame."""
        height, width = frame_hw
        mask = cv2.resize(self.mask, (width, height), interpolation=cv2.INTER_NEAREST)
        return replace(self, mask=mask, regions=self.regions_in(frame_hw))

    def regions_in(self, frame_hw: Tuple[int, int]) -> Tuple[Region, ...]:
        """Return the regions in pixels of a frame, without the cost of its mask."""
        scale_y, scale_x = frame_hw[0] / self.mask.shape[0], frame_hw[1] / self.mask.shape[1]
        return tuple(_scaled(region, scale_x, scale_y) for region in self.regions)


def smoothing_window(size_hw: Tuple[int, int]) -> int:
    """Return the side of the averaging window: 21 where the shorter side is 256, scaled with it, odd."""
    half = round((WINDOW_AT_256 * min(size_hw) / 256 - 1) / 2)
    return 2 * max(half, 0) + 1


def default_min_area_px(size_hw: Tuple[int, int]) -> int:
    """Return the minimum area used where none is given: 4 px at 256x256, scaled with the area, at least 1."""
    return max(1, round(MIN_AREA_PX_AT_256 * size_hw[0] * size_hw[1] / 256**2))


def smooth(
    score: np.ndarray, *, window: Optional[int] = None, counts: Optional[np.ndarray] = None
) -> np.ndarray:
    """Return the score map (H, W) averaged over `smoothing_window`, float32 in 0..1.

    Args:
        window: Another side of the window, odd: that of one tile, for a map put together from tiles.
        counts: uint8 (H, W): pixels that are 0 here take no part in any average, and come out as 0. The
            average is over the rest of the window, or over half of it where less is left.

    Raises:
        InspectorError: the map is not (H, W) or holds a value that is no number. Such a map has no verdict.
    """
    if score.ndim != 2 or score.size == 0:
        raise InspectorError(f"a score map must be (rows, columns), but this one has the shape {score.shape}")
    score = np.ascontiguousarray(score, np.float32)
    num_bad = score.size - int(np.count_nonzero(np.isfinite(score)))
    if num_bad:
        raise InspectorError(
            f"{num_bad} of {score.size} pixels of the score map are not finite; no verdict is given. Check "
            "the bundle's self test on this device"
        )
    side = smoothing_window((score.shape[0], score.shape[1])) if window is None else window
    averaged = _averaged(score, side) if counts is None else _averaged_where(score, side, counts)
    clipped: np.ndarray = np.clip(averaged, 0.0, 1.0)  # the running sums of cv2.blur leave errors of 1e-7
    return clipped


def image_score(score: np.ndarray) -> float:
    """Return the maximum of the smoothed map: how likely the part is defective."""
    return float(smooth(score).max())


def judge(
    score: np.ndarray,
    thresholds: Thresholds,
    *,
    window: Optional[int] = None,
    counts: Optional[np.ndarray] = None,
) -> Judgement:
    """Smooth the map, with `window` and `counts` as in `smooth`, and give the verdict.

    FAIL exactly when a connected region strictly above `fail` has at least `min_area_px` pixels; else REVIEW
    when one above `review` does; else PASS.

    Raises:
        InspectorError: see `smooth`.
    """
    smoothed = smooth(score, window=window, counts=counts)
    peak = float(smoothed.max())
    for verdict, threshold in ((Verdict.FAIL, thresholds.fail), (Verdict.REVIEW, thresholds.review)):
        mask, regions = _regions_above(smoothed, threshold, thresholds.min_area_px)
        if regions:
            return Judgement(verdict, peak, mask, regions)
    return Judgement(Verdict.PASS, peak, np.zeros(smoothed.shape, np.uint8), ())


def critical_threshold(score: np.ndarray, *, min_area_px: int) -> float:
    """Return the lowest threshold at which the map has no region left: `judge` rejects exactly below it.

    Raises:
        InputError: `min_area_px` is larger than the map, so that no threshold rejects it.
        InspectorError: see `smooth`.
    """
    smoothed = smooth(score)
    if not 1 <= min_area_px <= smoothed.size:
        raise InputError(
            f"min_area_px is {min_area_px}; it must be from 1 to the {smoothed.size} px of the map"
        )
    values = np.unique(smoothed)
    low, high = 0, len(values) - 1  # at values[low] a region is there: the whole map
    while low < high:
        middle = (low + high + 1) // 2
        if _largest_area(smoothed >= values[middle]) >= min_area_px:
            low = middle
        else:
            high = middle - 1
    return float(values[low])


def _averaged(values: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT))


def _averaged_where(score: np.ndarray, side: int, counts: np.ndarray) -> np.ndarray:
    inside = counts.astype(np.float32)
    share = _averaged(inside, side)
    averaged: np.ndarray = inside * _averaged(score * inside, side) / np.maximum(share, LEAST_SHARE)
    return averaged


def _largest_area(above: np.ndarray) -> int:
    _, _, stats, _ = cv2.connectedComponentsWithStats(above.astype(np.uint8), connectivity=8)
    return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0))


def _regions_above(
    smoothed: np.ndarray, threshold: float, min_area_px: int
) -> Tuple[np.ndarray, Tuple[Region, ...]]:
    above = (smoothed > np.float32(threshold)).astype(np.uint8)
    mask = np.zeros_like(above)
    if not above.any():
        return mask, ()
    num_labels, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    regions: List[Region] = []
    for label in range(1, num_labels):
        x, y, width, height, area_px = (int(value) for value in stats[label])
        if area_px < min_area_px:
            continue
        box = np.s_[y : y + height, x : x + width]
        inside = labels[box] == label
        mask[box] |= inside.astype(np.uint8)
        values = smoothed[box][inside]
        regions.append(
            Region(
                contour=_outer_contour(inside, x, y),
                x=x,
                y=y,
                width=width,
                height=height,
                area_px=area_px,
                mean_score=float(values.mean()),
                peak_score=float(values.max()),
            )
        )
    return mask, tuple(sorted(regions, key=lambda region: -region.peak_score))


def _outer_contour(inside: np.ndarray, x: int, y: int) -> Tuple[Tuple[int, int], ...]:
    contours = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    points = max(contours, key=len).reshape(-1, 2)
    return tuple((int(px) + x, int(py) + y) for px, py in points)


def _scaled(region: Region, scale_x: float, scale_y: float) -> Region:
    """Map pixel centres to pixel centres, and boxes by their outer edges so that they hold the region."""
    left, top = int(region.x * scale_x), int(region.y * scale_y)
    right = max(left + 1, int(np.ceil((region.x + region.width) * scale_x)))
    bottom = max(top + 1, int(np.ceil((region.y + region.height) * scale_y)))
    return replace(
        region,
        contour=tuple(
            (max(0, round((x + 0.5) * scale_x - 0.5)), max(0, round((y + 0.5) * scale_y - 0.5)))
            for x, y in region.contour
        ),
        x=left,
        y=top,
        width=right - left,
        height=bottom - top,
        area_px=max(1, round(region.area_px * scale_x * scale_y)),
    )
