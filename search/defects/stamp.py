"""A soft shape at a place of a frame, and how its outline is drawn into a local patch.

Only the patch around a shape is ever touched, which is what keeps small defects cheap.

Points are (N, 2), x before y, in pixels of the frame; pixel centres lie at whole numbers.
"""

from typing import NamedTuple, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from search.defects.noise import FloatMap
from search.defects.style import Mask

Points = npt.NDArray[np.float64]
Pixel = TypeVar("Pixel", np.uint8, np.float32)

_FRACTION_BITS = 4  # points are given to OpenCV in sixteenths of a pixel
_FAINTEST, _FULL = 0.15, 0.75  # opacities below and above these are cut to 0 and 1: soft edges end somewhere
_OPACITY = np.clip((np.arange(256) / 255.0 - _FAINTEST) / (_FULL - _FAINTEST), 0.0, 1.0).astype(np.float32)[
    None
]


class Box(NamedTuple):
    """Rows top..bottom and columns left..right of a frame, ends excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape_hw(self) -> tuple[int, int]:
        return (self.bottom - self.top, self.right - self.left)

    @property
    def place(self) -> tuple[slice, slice]:
        """Index of the box in an array (H, W, ...)."""
        return (slice(self.top, self.bottom), slice(self.left, self.right))


class Stamp(NamedTuple):
    """A shape: `alpha` (h, w) float32 in 0..1 says how far each pixel of `box` is covered.

    `outward` (x, y) points across the edge that a chip lies on, (0, 0) where a shape lies on none; `size_px`
    is the radius of a spot or chip, the width of a stroke.
    """

    alpha: FloatMap
    box: Box
    size_px: float
    outward: tuple[float, float] = (0.0, 0.0)


def box_around(points: Points, shape_hw: tuple[int, int], *, margin_px: float) -> Box | None:
    """Return the smallest box around the points and a margin, cut to the frame; None if nothing is left."""
    left, top = np.floor(points.min(axis=0) - margin_px).astype(int)
    right, bottom = np.ceil(points.max(axis=0) + margin_px).astype(int) + 1
    box = Box(
        max(0, int(top)), max(0, int(left)), min(shape_hw[0], int(bottom)), min(shape_hw[1], int(right))
    )
    return box if box.bottom > box.top and box.right > box.left else None


def draw_polygons(polygons: list[Points], box: Box) -> Mask:
    """Return the coverage (h, w), 0..255, of filled polygons."""
    canvas = np.zeros(box.shape_hw, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [_fixed(polygon, box)], 255, cv2.LINE_AA, _FRACTION_BITS)
    return canvas


def draw_line(
    canvas: Mask,
    points: Points,
    *,
    widths_px: npt.NDArray[np.float64],
    strength: npt.NDArray[np.float64],
    box: Box,
    scale: int,
) -> None:
    """Draw a line into a canvas `scale` times as fine as the box.

    Args:
        widths_px, strength: Of each leg between two points; a strength of 1 covers, 0 draws nothing.
    """
    fixed = _fixed((points + 0.5) * scale - 0.5, Box(box.top * scale, box.left * scale, 0, 0)).tolist()
    thickness = np.maximum(1, np.rint(widths_px * scale)).astype(int).tolist()
    levels = np.rint(255.0 * strength).astype(int).tolist()
    for begin, end, thick, level in zip(fixed, fixed[1:], thickness, levels, strict=False):
        if level:
            cv2.line(canvas, begin, end, level, thick, cv2.LINE_8, _FRACTION_BITS)


def soften(coverage: Mask, *, sigma_px: float) -> FloatMap:
    """Return opacities 0..1 of a coverage 0..255 with edges that soft; the faintest are cut to zero."""
    if sigma_px > 0.2:
        coverage = blur(coverage, sigma_px=sigma_px)
    return np.asarray(cv2.LUT(coverage, _OPACITY), np.float32)


def blur(array: npt.NDArray[Pixel], *, sigma_px: float) -> npt.NDArray[Pixel]:
    """Return a map blurred with about a Gaussian: two box averages where they are faster than one."""
    if sigma_px < 1.2:
        return np.asarray(cv2.GaussianBlur(array, (0, 0), sigma_px), array.dtype)
    side = 2 * round(1.22 * sigma_px) + 1  # the variance of two boxes of side n is (n^2 - 1) / 6
    return np.asarray(cv2.blur(cv2.blur(array, (side, side)), (side, side)), array.dtype)


def smooth_field(rng: np.random.Generator, shape_hw: tuple[int, int], *, cells: int) -> FloatMap:
    """Return a smooth random map (h, w) of values around 0..1, which vary over `cells` cells a side."""
    coarse = rng.random((cells, cells), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape_hw[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _fixed(points: Points, box: Box) -> npt.NDArray[np.int32]:
    return np.asarray(np.rint((points - (box.left, box.top)) * 2**_FRACTION_BITS), np.int32)
