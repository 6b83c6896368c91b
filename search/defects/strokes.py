"""Strokes: random walks from a straight scratch over a bent thread to a jagged, branching crack."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from search.defects.draws import anywhere, draw_number, log_uniform, random_sign, side_px
from search.defects.stamp import Points, Stamp, box_around, draw_line, soften

_SUPERSAMPLING = 2
_WAVES = np.arange(1, 4)
_BRANCHES = (0.5, 0.25, 0.15, 0.1)  # chances of 0, 1, 2 and 3


class Walk(NamedTuple):
    """A path (N, 2), and the width of each of its N - 1 legs."""

    points: Points
    widths_px: npt.NDArray[np.float64]


def stroke(shape_hw: tuple[int, int], rng: np.random.Generator) -> Stamp | None:
    """Return one stroke; a jagged one may branch, and any may fade towards its ends or be interrupted."""
    side = side_px(shape_hw)
    length = side * log_uniform(rng, 0.06, 1.1)
    width = side * log_uniform(rng, 0.003, 0.022)
    jag = float(rng.uniform(0.15, 0.8)) if rng.random() < 0.55 else 0.0
    walk = random_walk(rng, length_px=length, width_px=width, jag=jag)
    walk = walk._replace(points=walk.points + _shift(walk.points, shape_hw, rng))
    walks = [walk, *(_branches(walk, rng, jag=jag) if jag else [])]
    return _stamp(walks, shape_hw, rng, width_px=width)


def random_walk(
    rng: np.random.Generator, *, length_px: float, width_px: float, jag: float, heading: float | None = None
) -> Walk:
    """Return a walk from (0, 0): a heading with slow waves and jags, and a width that wanders.

    Args:
        jag: Spread of the heading of single legs, radians; 0 is a smooth line.
        heading: Where it starts to go; one in five of the others runs along an axis, as faults of weaving,
            rolling and cutting do.
    """
    num_legs = min(max(int(length_px / 2.5), 6), 48)
    t = _along(num_legs)
    if heading is None:
        heading = rng.integers(4) * np.pi / 2 if rng.random() < 0.2 else rng.uniform(0.0, 2.0 * np.pi)
    bend = rng.uniform(0.0, 0.9) * rng.standard_normal(len(_WAVES)) / _WAVES
    phases = rng.uniform(0.0, 2.0 * np.pi, len(_WAVES))
    turns = heading + np.sin(np.pi * np.outer(t, _WAVES) + phases) @ bend
    if jag:
        kicks = jag * rng.standard_normal(num_legs)
        turns = turns + kicks + 0.6 * np.concatenate(([0.0], kicks[:-1]))  # kinks are longer than one leg
    legs = np.stack((np.cos(turns), np.sin(turns)), axis=1) * (length_px / num_legs)
    points = np.concatenate((np.zeros((1, 2)), np.cumsum(legs, axis=0)))
    taper = np.sin(np.pi * (0.06 + 0.88 * t)) ** rng.random()
    wander = np.exp(rng.uniform(0.0, 0.5) * np.interp(t, _along(9), rng.standard_normal(9)))
    return Walk(points, width_px * taper * wander)


@lru_cache(maxsize=64)  # a few dozen lengths come back for every sample
def _along(number: int) -> npt.NDArray[np.float64]:
    """Return that many positions from 0 to 1, read-only."""
    positions = np.linspace(0.0, 1.0, number)
    positions.setflags(write=False)
    return positions


def _branches(walk: Walk, rng: np.random.Generator, *, jag: float) -> list[Walk]:
    """Return 0 to 3 thinner walks that leave the given one sideways."""
    branches = []
    for _ in range(draw_number(rng, _BRANCHES)):
        at = int(rng.integers(1, len(walk.widths_px)))
        ahead = walk.points[at] - walk.points[at - 1]
        heading = float(np.arctan2(ahead[1], ahead[0]) + random_sign(rng) * rng.uniform(0.4, 1.3))
        length = float(np.abs(walk.points[-1] - walk.points[0]).sum() * rng.uniform(0.15, 0.6)) + 2.0
        width = float(walk.widths_px[at] * rng.uniform(0.5, 0.9))
        twig = random_walk(rng, length_px=length, width_px=width, jag=jag, heading=heading)
        branches.append(twig._replace(points=twig.points + walk.points[at]))
    return branches


def _stamp(
    walks: list[Walk], shape_hw: tuple[int, int], rng: np.random.Generator, *, width_px: float
) -> Stamp | None:
    sigma = rng.uniform(0.0, 0.35) * width_px
    points = np.concatenate([walk.points for walk in walks])
    box = box_around(points, shape_hw, margin_px=1.5 * width_px + 2.0 * sigma + 1.0)
    if box is None:
        return None
    height, width = box.shape_hw
    canvas = np.zeros((height * _SUPERSAMPLING, width * _SUPERSAMPLING), np.uint8)
    interrupted = rng.random() < 0.25
    for walk in reversed(walks):  # the trunk is drawn over its branches
        strength = _strength(walk.widths_px, rng, interrupted=interrupted)
        draw_line(
            canvas, walk.points, widths_px=walk.widths_px, strength=strength, box=box, scale=_SUPERSAMPLING
        )
    coverage = np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return Stamp(soften(coverage, sigma_px=sigma), box, width_px)


def _strength(
    widths_px: npt.NDArray[np.float64], rng: np.random.Generator, *, interrupted: bool
) -> npt.NDArray[np.float64]:
    """Return how strong each leg is: a line thinner than the finest that can be drawn fades instead."""
    strength = np.clip(widths_px * _SUPERSAMPLING, 0.4, 1.0)
    if interrupted:
        knots = rng.uniform(-0.5, 1.6, max(3, len(widths_px) // 3))
        between = np.interp(_along(len(widths_px)), _along(len(knots)), knots)
        strength = strength * np.clip(between, 0.0, 1.0)
    return strength


def _shift(points: Points, shape_hw: tuple[int, int], rng: np.random.Generator) -> Points:
    """Return what brings a random point of the path to a random place of the frame."""
    return np.asarray(anywhere(shape_hw, rng) - points[int(rng.integers(len(points)))], np.float64)
