"""What is fine and random in a good picture: turning marks on the metal, the weave of the belt."""

from typing import Tuple

import cv2
import numpy as np

from inspector.demo_part.geometry import Part, canvas_index

ANGULAR_STEPS = 48
RADIAL_STEPS = 230


def turning_marks(part: Part, rng: np.random.Generator, *, size: int) -> np.ndarray:
    """Return the tilt that concentric tool marks give the surface across their direction, about N(0, 1)."""
    full_turns = rng.standard_normal((1, RADIAL_STEPS), dtype=np.float32)
    partial = rng.standard_normal((ANGULAR_STEPS, RADIAL_STEPS), dtype=np.float32)
    partial = (partial + np.roll(partial, 1, 0) + np.roll(partial, 2, 0)) * np.float32(0.58)
    polar = np.float32(0.75) * full_turns + np.float32(0.65) * partial
    centre = (canvas_index(part.x, size), canvas_index(part.y, size))
    flags = cv2.INTER_LINEAR | cv2.WARP_POLAR_LINEAR | cv2.WARP_INVERSE_MAP | cv2.WARP_FILL_OUTLIERS
    return cv2.warpPolar(polar, (size, size), centre, 0.45 * size, flags)


def cloud(rng: np.random.Generator, *, cells: int, size: int) -> np.ndarray:
    """Return smooth unevenness over the canvas, about N(0, 1), with features of size / cells pixels."""
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    smooth = cv2.resize(coarse, (8 * cells, 8 * cells), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(smooth, (size, size), interpolation=cv2.INTER_LINEAR)


def belt(phase: Tuple[float, float], rng: np.random.Generator, *, size: int) -> np.ndarray:
    """Return the reflectance of the rubber belt, a coarse weave with wear, (size, size)."""
    steps = np.arange(size, dtype=np.float32) * np.float32(2.0 * np.pi * 30.0 / size)
    weave = np.outer(np.sin(steps + np.float32(phase[0])), np.sin(steps + np.float32(phase[1])))
    grain = rng.standard_normal((size, size), dtype=np.float32)
    wear = cloud(rng, cells=7, size=size)
    uneven = np.float32(0.30) * weave + np.float32(0.18) * grain + np.float32(0.18) * wear
    reflectance: np.ndarray = np.float32(0.030) * (np.float32(1.0) + uneven)
    return reflectance
