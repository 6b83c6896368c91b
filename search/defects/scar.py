"""The `scar` defect style: a thin rotated bar of random colour and length.

Source: [D] Sec. 5.3.2; CutPaste, Sec. 2.3: width 2 to 16 pixels, length 10 to 25, at 256.
Differs from the source: filled with one random colour, as [D] describes it; lengths reach 40 % of the frame
and all angles are drawn, since real scratches are longer than 25 pixels and lie in any direction.
"""

from dataclasses import KW_ONLY, dataclass

import cv2
import numpy as np

from search.defects.colour import random_colour
from search.defects.draws import side_px
from search.defects.style import Defective, Frame

_FRACTION_BITS = 4  # corners are given to OpenCV in sixteenths of a pixel


@dataclass(frozen=True)
class ScarDefects:
    """Draws a thin bar onto a good frame of any size; what lies outside of the frame is cut off.

    Args:
        min_length, max_length, min_width, max_width: Shares of the frame's side (geometric mean of the two).
    """

    _: KW_ONLY
    min_length: float = 0.04
    max_length: float = 0.4
    min_width: float = 0.008
    max_width: float = 0.06

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        height, width = frame.shape[:2]
        side = side_px((height, width))
        long = side * rng.uniform(self.min_length, self.max_length)
        thin = min(long, side * rng.uniform(self.min_width, self.max_width))
        centre = (rng.uniform(0.0, width - 1.0), rng.uniform(0.0, height - 1.0))
        corners = cv2.boxPoints((centre, (long, thin), rng.uniform(0.0, 180.0)))
        mask = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(corners * 2**_FRACTION_BITS).astype(np.int32), 1, 8, _FRACTION_BITS)
        changed = frame.copy()
        changed[mask == 1] = random_colour(frame, rng)
        return Defective(changed, mask)
