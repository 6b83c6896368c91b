"""What a surface defect shows: the surface darker or brighter, another colour, another place, or a relief.

Every fill changes the patch under a stamp by a contrast that is drawn logarithmically, from barely visible to
strong.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from search.defects.colour import is_gray
from search.defects.donor import cut_patch
from search.defects.draws import log_uniform
from search.defects.stamp import Stamp, blur
from search.defects.style import Frame

Levels = npt.NDArray[np.float64]  # (3,) levels of B, G, R

MIN_CONTRAST, MAX_CONTRAST = 8.0, 150.0  # levels
FAINT_THIN, FAINT_WIDE = (
    1.2,
    0.6,
)  # of the surface's own spread: a line has to stand out from it, a stain less so
THIN_PX = 4.0
_LEVELS = np.arange(256.0)[:, None]


class Surroundings(NamedTuple):
    """Mean and spread of the levels under a stamp, the least contrast seen there, and whether all is gray."""

    mean: Levels
    spread: float
    faintest: float
    gray: bool


def fill(frame: Frame, stamp: Stamp, donors: Sequence[Frame], rng: np.random.Generator) -> Frame:
    """Return the patch (h, w, 3) of `frame` under `stamp` with its defect blended in."""
    patch = np.ascontiguousarray(frame[stamp.box.place])
    around = _surroundings(patch, stamp, gray=is_gray(frame))
    if any(stamp.outward) and rng.random() < 0.6:
        return _blend(patch, _across(frame, stamp, around, rng), stamp)
    kind = rng.random()
    if kind < 0.55:
        return _blend(patch, _toned(patch, around, rng), stamp)
    if kind < 0.8:
        return _blend(patch, _transplanted(frame, stamp, around, donors, rng), stamp)
    return _relief(patch, stamp, around, rng)


def draw_contrast(around: Surroundings, rng: np.random.Generator) -> float:
    """Return a signed change of level; never less than the surface's own grain lets an eye see.

    Darker or brighter by chance, unless there is no room for it: black cannot get darker.
    """
    size = log_uniform(rng, around.faintest, MAX_CONTRAST)
    level = float(around.mean.mean())
    down, up = level, 255.0 - level
    sign = -1.0 if rng.random() < 0.55 else 1.0
    if (down if sign < 0 else up) < min(size, max(down, up)):
        sign = -sign
    return sign * min(size, down if sign < 0 else up)


def _surroundings(patch: Frame, stamp: Stamp, *, gray: bool) -> Surroundings:
    mean, spread = cv2.meanStdDev(patch, mask=(stamp.alpha > 0.3).astype(np.uint8))
    grain = float(spread.mean())
    faint = (FAINT_THIN if stamp.size_px < THIN_PX else FAINT_WIDE) * grain
    faintest = min(max(MIN_CONTRAST, faint), MAX_CONTRAST)
    return Surroundings(np.asarray(mean[:, 0], np.float64), grain, faintest, gray)


def _toned(patch: Frame, around: Surroundings, rng: np.random.Generator) -> Frame:
    """The surface darkened or brightened; its texture is kept, or covered by a grain of its own."""
    change = draw_contrast(around, rng) * _tint(around, rng)
    covered = rng.random() < 0.35
    texture = rng.uniform(0.0, 0.4) if covered else rng.uniform(0.6, 1.1)
    toned = _look_up(patch, around.mean + change, around.mean, gain=texture)
    if covered:
        toned = _grained(toned, rng, sigma=around.spread * rng.uniform(0.2, 1.2))
    return toned


def _transplanted(
    frame: Frame, stamp: Stamp, around: Surroundings, donors: Sequence[Frame], rng: np.random.Generator
) -> Frame:
    """Another place of another good image of the part, darker or brighter than it is there.

    Without a change of tone, the mask on an even texture would mark what nobody can see.
    """
    patch = cut_patch(donors, frame, size_hw=stamp.box.shape_hw, rng=rng)
    mean = np.array(cv2.mean(patch)[:3])
    return _look_up(patch, around.mean + draw_contrast(around, rng) * _tint(around, rng), mean, gain=1.0)


def _across(frame: Frame, stamp: Stamp, around: Surroundings, rng: np.random.Generator) -> Frame:
    """What lies on the other side of the edge, a little darker or brighter: the piece is gone, or grown.

    Beyond the frame's border nothing is known: there the surface turns darker or brighter.
    """
    height, width = frame.shape[:2]
    reach = stamp.size_px * rng.uniform(1.0, 2.5)
    shift_x, shift_y = (round(reach * way) for way in stamp.outward)
    top, left = stamp.box.top + shift_y, stamp.box.left + shift_x
    h, w = stamp.box.shape_hw
    if top < 0 or left < 0 or top + h > height or left + w > width:
        patch = np.ascontiguousarray(frame[stamp.box.place])
        level = np.clip(around.mean + draw_contrast(around, rng), 0.0, 255.0)
        dull = _look_up(patch, level, around.mean, gain=rng.uniform(0.1, 0.8))
        return _grained(dull, rng, sigma=around.spread * rng.uniform(0.0, 1.0))
    patch = np.ascontiguousarray(frame[top : top + h, left : left + w])
    return _look_up(patch, rng.uniform(-15.0, 15.0) * np.ones(3), np.zeros(3), gain=1.0)


def _relief(patch: Frame, stamp: Stamp, around: Surroundings, rng: np.random.Generator) -> Frame:
    """A dent or bump under light from one side: bright on one flank, dark on the other."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    sigma = max(0.7, 0.3 * stamp.size_px)
    height_map = blur(stamp.alpha, sigma_px=sigma)
    slope = np.cos(angle) * cv2.Sobel(height_map, cv2.CV_32F, 1, 0) + np.sin(angle) * cv2.Sobel(
        height_map, cv2.CV_32F, 0, 1
    )
    slope *= 1.0 / max(float(np.abs(slope).max()), 1e-6)
    slope += np.float32(rng.uniform(-0.5, 0.5)) * stamp.alpha
    slope *= stamp.alpha  # a slope that reached the patch's border would be cut off there in a straight line
    change = abs(draw_contrast(around, rng)) * slope
    lit = patch + np.rint(change)[..., None]
    return np.asarray(np.clip(lit, 0.0, 255.0), np.uint8)


def _tint(around: Surroundings, rng: np.random.Generator) -> Levels:
    """How strongly each channel takes part: rust and oil are coloured, shadows are not."""
    if around.gray or rng.random() < 0.5:
        return np.ones(3)
    return np.ones(3) + rng.normal(0.0, 0.3, 3)


def _look_up(patch: Frame, new_mean: Levels, old_mean: Levels, *, gain: float) -> Frame:
    """Move levels around `old_mean` to ones around `new_mean`, `gain` times as far from it."""
    table = np.rint(gain * (_LEVELS - old_mean) + new_mean)
    np.minimum(np.maximum(table, 0.0, out=table), 255.0, out=table)  # half the time of np.clip
    return np.asarray(cv2.LUT(patch, table.astype(np.uint8)[None]), np.uint8)


def _grained(patch: Frame, rng: np.random.Generator, *, sigma: float) -> Frame:
    """Add a gray grain of that spread."""
    if sigma < 1.0:
        return patch
    grain = rng.standard_normal(patch.shape[:2], dtype=np.float32) * np.float32(sigma)
    return np.asarray(np.clip(patch + np.rint(grain)[..., None], 0.0, 255.0), np.uint8)


def _blend(patch: Frame, over: Frame, stamp: Stamp) -> Frame:
    return np.asarray(cv2.blendLinear(over, patch, stamp.alpha, 1.0 - stamp.alpha), np.uint8)
