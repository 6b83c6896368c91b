"""What is tried: round spots of several sizes and contrasts, dark and bright, all over the part.

A spot is the plainest defect there is, so that its two numbers say all of it. The same spots for every
inspector make two of them comparable.
"""

from dataclasses import dataclass
from typing import Iterator, Tuple

import cv2
import numpy as np

from inspector.errors import InputError

SIZE_SHARES = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12)  # of the photo's shorter side
CONTRASTS = (0.05, 0.1, 0.2, 0.4)
FULL_RANGE = 255
SUBPIXEL_BITS = 4
LEAST_DRAWN = 0.5  # a bright spot on white changes next to nothing: it is not counted


@dataclass(frozen=True)
class Spot:
    """A disc on the photo: centre (x, y) and diameter in its pixels, brightness added as a share of 255."""

    x: float
    y: float
    size_px: float
    contrast: float

    def draw(self, frame: np.ndarray) -> np.ndarray:
        """Return a copy of `frame`, uint8 (h, w, 3), with the spot: its rim is anti-aliased."""
        box, cover = self._cover(frame.shape[:2])
        changed = frame[box] + cover[..., None] * np.float32(self.contrast * FULL_RANGE)
        drawn: np.ndarray = frame.copy()
        drawn[box] = np.clip(np.rint(changed), 0, FULL_RANGE).astype(np.uint8)
        return drawn

    def mask(self, frame_hw: Tuple[int, int]) -> np.ndarray:
        """Return its pixels, uint8 (h, w): those that it covers at least by half; never none."""
        box, cover = self._cover(frame_hw)
        mask = np.zeros(frame_hw, np.uint8)
        mask[box] = _is_spot(cover)
        return mask

    def is_drawn(self, frame: np.ndarray, drawn: np.ndarray) -> bool:
        """Tell whether the photo had room for it: at least half of its contrast is there on average."""
        box, cover = self._cover(frame.shape[:2])
        pixels = _is_spot(cover)
        change = np.abs(drawn[box][pixels].astype(np.float32) - frame[box][pixels]).mean() / FULL_RANGE
        peak = float(cover.max())  # a spot smaller than a pixel never reaches all
        return bool(change >= LEAST_DRAWN * abs(self.contrast) * peak)

    def _cover(self, frame_hw: Tuple[int, int]) -> Tuple[Tuple[slice, slice], np.ndarray]:
        """Return the box of the photo around the disc, and the share of each pixel in it that is covered."""
        scale = 1 << SUBPIXEL_BITS
        height, width = frame_hw
        half = int(np.ceil(self.size_px / 2)) + 1
        left, top = max(0, int(self.x) - half), max(0, int(self.y) - half)
        right, bottom = min(width, int(self.x) + half + 1), min(height, int(self.y) + half + 1)
        fine = np.zeros(((bottom - top) * scale, (right - left) * scale), np.uint8)
        centre = (round((self.x - left) * scale), round((self.y - top) * scale))
        cv2.circle(fine, centre, max(1, round(self.size_px * scale / 2)), 255, cv2.FILLED)
        shares = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        return (slice(top, bottom), slice(left, right)), shares / np.float32(255)


def _is_spot(cover: np.ndarray) -> np.ndarray:
    """Tell which pixels count as the spot's, bool: covered by half, or as much as any where none is."""
    counts: np.ndarray = cover >= min(0.5, float(cover.max()))
    return counts


@dataclass(frozen=True)
class Plan:
    """Every size with every contrast, dark and bright, at every place of a grid over the photo.

    Args:
        sizes_px: Diameters in pixels of the photo, rising.
        contrasts: Change of brightness as a share of the full range, rising, in (0, 1].
        grid: Places along the shorter side; along the longer one as many as are as far apart.

    Raises:
        InputError: a list is empty, not rising, or out of range.
    """

    sizes_px: Tuple[float, ...]
    contrasts: Tuple[float, ...]
    grid: int = 6

    def __post_init__(self) -> None:
        for name, values, limit in (("sizes", self.sizes_px, np.inf), ("contrasts", self.contrasts, 1.0)):
            if not values or list(values) != sorted(set(values)) or values[0] <= 0 or values[-1] > limit:
                raise InputError(
                    f"{name} are {', '.join(f'{value:g}' for value in values) or 'none'}; give different "
                    f"numbers above 0{' and up to 1' if limit == 1 else ''}, the smallest first"
                )
        if not 1 <= self.grid <= 50:
            raise InputError(f"the grid is {self.grid}; choose 1 to 50 places along the shorter side")

    def places(self, frame_hw: Tuple[int, int]) -> Tuple[Tuple[float, float], ...]:
        """Return the (x, y) of every place, row by row: the middles of the grid's cells."""
        rows, columns = self.shape(frame_hw)
        height, width = frame_hw
        return tuple(
            ((column + 0.5) * width / columns, (row + 0.5) * height / rows)
            for row in range(rows)
            for column in range(columns)
        )

    def shape(self, frame_hw: Tuple[int, int]) -> Tuple[int, int]:
        """Return the rows and columns of the grid on a photo of that size."""
        pitch = min(frame_hw) / self.grid
        return max(1, round(frame_hw[0] / pitch)), max(1, round(frame_hw[1] / pitch))

    def num_spots(self, frame_hw: Tuple[int, int]) -> int:
        rows, columns = self.shape(frame_hw)
        return rows * columns * len(self.sizes_px) * len(self.contrasts) * 2

    def spots(self, frame_hw: Tuple[int, int]) -> Iterator[Tuple[int, int, int, Spot]]:
        """Yield (place, size, contrast, spot): indices into the lists; a dark one, then a bright one."""
        for place, (x, y) in enumerate(self.places(frame_hw)):
            for size, size_px in enumerate(self.sizes_px):
                for number, contrast in enumerate(self.contrasts):
                    for sign in (-1.0, 1.0):
                        yield place, size, number, Spot(x, y, size_px, sign * contrast)


def default_sizes_px(frame_hw: Tuple[int, int]) -> Tuple[float, ...]:
    """Return 1 to 12 % of the photo's shorter side, at least one pixel.

    >>> default_sizes_px((300, 400))
    (3.0, 6.0, 9.0, 15.0, 24.0, 36.0)
    """
    sizes = [max(1.0, float(round(share * min(frame_hw)))) for share in SIZE_SHARES]
    return tuple(sorted(set(sizes)))
