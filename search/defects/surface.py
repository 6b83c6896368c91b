"""The `surface` defect style: spots, strokes and chips that look like what goes wrong on real surfaces.

Source: none; [D] names unrealistic defects as a limitation. Spots, wandering strokes and chips at edges are
filled from other good images or darkened in place, softly blended, at several contrasts.

The mask says where a change can be seen, not where a shape was drawn: a pixel is defective where the change,
averaged over 3x3 pixels, is at least `VISIBLE` levels and a tenth of the defect's largest, and in the narrow
gaps between (the ridge between the two flanks of a dent); all other pixels stay as they were. So a dark stain
on a black background is no defect, a soft edge ends where it fades, and no pixel outside of the mask differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from search.defects.chips import chip
from search.defects.draws import draw_number
from search.defects.fills import fill
from search.defects.spots import cluster, spot
from search.defects.stamp import Stamp
from search.defects.strokes import stroke
from search.defects.style import Defective, Frame, Mask

VISIBLE = 2.0  # levels
MIN_PIXELS = 3
MAX_REACH_PX = 5
_NUMBERS = (0.4, 0.3, 0.2, 0.1)  # chances of 1, 2, 3 and 4 defects


@dataclass(frozen=True)
class SurfaceDefects:
    """Draws one to four surface defects onto a good frame of any size.

    Args:
        donors: Good frames of the same part, which fill some of the defects; without any, the frame itself.
    """

    donors: Sequence[Frame] = ()

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        changed, mask = frame.copy(), np.zeros(frame.shape[:2], np.uint8)
        for _ in range(1 + draw_number(rng, _NUMBERS)):
            stamp = self._draw_shape(frame, rng)
            if stamp is not None:
                _apply(changed, mask, stamp, fill(changed, stamp, self.donors, rng))
        return Defective(changed, mask)

    def _draw_shape(self, frame: Frame, rng: np.random.Generator) -> Stamp | None:
        kind = rng.random()
        if kind < 0.4:
            return stroke(frame.shape[:2], rng)
        if kind < 0.65:
            return spot(frame.shape[:2], rng)
        if kind < 0.75:
            return cluster(frame.shape[:2], rng)
        return chip(frame, rng)


def _apply(changed: Frame, mask: Mask, stamp: Stamp, filled: Frame) -> None:
    """Write the visible part of `filled` into the frame, and mark it."""
    place = stamp.box.place
    visible = visible_change(changed[place], filled)
    visible |= _gaps(visible, stamp)
    if cv2.countNonZero(visible) >= MIN_PIXELS:
        cv2.copyTo(filled, visible, changed[place])
        mask[place] |= visible


def visible_change(before: Frame, after: Frame) -> Mask:
    """Return where `after` differs visibly from `before`, (h, w), 0 or 1; the rule is the module's."""
    difference = cv2.absdiff(np.ascontiguousarray(before), after)
    blue, green, red = cv2.split(difference)
    largest = cv2.max(cv2.max(blue, green), red)
    average = cv2.blur(largest, (3, 3), borderType=cv2.BORDER_REFLECT_101)
    limit = max(VISIBLE, 0.1 * float(average.max(initial=0)))
    return ((average >= limit) & (largest > 0)).astype(np.uint8)


def _gaps(visible: Mask, stamp: Stamp) -> Mask:
    """Return the gaps in what is visible of a shape: no wider than 0.8 of its size, and inside the shape."""
    reach_px = int(np.clip(round(0.4 * stamp.size_px), 1, MAX_REACH_PX))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_px + 1, 2 * reach_px + 1))
    # without the frame of zeros, what ends at the patch's border would be closed towards its corners
    padded = cv2.copyMakeBorder(visible, *(4 * (reach_px,)), cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[reach_px:-reach_px, reach_px:-reach_px]
    return np.asarray(cv2.bitwise_and(closed, (stamp.alpha > 0.0).astype(np.uint8)), np.uint8)
