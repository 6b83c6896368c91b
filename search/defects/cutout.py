"""The `cutout` defect style: a filled rectangle of random colour and size.

Source: [D] Sec. 5.3.2 names it; Cutout (DeVries, Taylor 2017), which blanks a square for regularisation.
Differs from the source: side lengths and colour are drawn; [D] gives no ranges, so sides of 2 to 40 % of the
frame's are a choice of ours.
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from search.defects.colour import random_colour
from search.defects.style import Defective, Frame


@dataclass(frozen=True)
class CutoutDefects:
    """Draws a filled rectangle onto a good frame of any size.

    Args:
        min_side, max_side: Length of a side, a share of the frame's side along the same axis.
    """

    _: KW_ONLY
    min_side: float = 0.02
    max_side: float = 0.4

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        rows, columns = (self._extent(length, rng) for length in frame.shape[:2])
        changed, mask = frame.copy(), np.zeros(frame.shape[:2], np.uint8)
        changed[rows, columns] = random_colour(frame, rng)
        mask[rows, columns] = 1
        return Defective(changed, mask)

    def _extent(self, length: int, rng: np.random.Generator) -> slice:
        side = max(1, round(length * rng.uniform(self.min_side, self.max_side)))
        start = int(rng.integers(0, length - side + 1))
        return slice(start, start + side)
