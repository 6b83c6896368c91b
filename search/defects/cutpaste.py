"""The `cutpaste` defect style: a patch of a good image, colours jittered, pasted where it does not belong.

Source: CutPaste, Sec. 2.2 and appendix: area 2 to 15 % of the image, aspect 0.3 to 3.3, colour jitter 0.1.
Differs from the source: the patch may come from any good image of the part, not from the same one alone; the
jitter is of brightness, contrast and, on coloured frames, the balance of the channels, not of the hue.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import cv2
import numpy as np

from search.defects.colour import is_gray
from search.defects.donor import cut_patch
from search.defects.style import Defective, Frame


@dataclass(frozen=True)
class CutPasteDefects:
    """Pastes a patch of one of `donors` onto a good frame of any size.

    Args:
        donors: Good frames of the same part; where there are none, the frame itself gives the patch.
        min_area, max_area: Of the patch, shares of the frame.
        max_aspect: Height over width is at most this, at least its inverse; logarithmically uniform.
        jitter: Largest relative change of brightness, contrast and channel balance.
    """

    donors: Sequence[Frame] = ()
    _: KW_ONLY
    min_area: float = 0.02
    max_area: float = 0.15
    max_aspect: float = 3.3
    jitter: float = 0.1

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        height, width = frame.shape[:2]
        size_hw = self._size(height, width, rng)
        patch = self._jittered(cut_patch(self.donors, frame, size_hw=size_hw, rng=rng), rng)
        top, left = (int(rng.integers(0, n - s + 1)) for n, s in zip((height, width), size_hw, strict=True))
        place = np.s_[top : top + size_hw[0], left : left + size_hw[1]]
        changed, mask = frame.copy(), np.zeros((height, width), np.uint8)
        changed[place], mask[place] = patch, 1
        return Defective(changed, mask)

    def _size(self, height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
        area = height * width * rng.uniform(self.min_area, self.max_area)
        aspect = self.max_aspect ** rng.uniform(-1.0, 1.0)
        return (
            min(height, max(1, round(float(np.sqrt(area * aspect))))),
            min(width, max(1, round(float(np.sqrt(area / aspect))))),
        )

    def _jittered(self, patch: Frame, rng: np.random.Generator) -> Frame:
        brightness, contrast = rng.uniform(-self.jitter, self.jitter, size=2)
        balance = rng.uniform(-self.jitter, self.jitter, size=3)
        if is_gray(patch):
            balance[:] = 0.0
        mean = patch.mean(axis=(0, 1))
        gain = (1.0 + contrast) * (1.0 + balance)
        table = mean + (np.arange(256.0)[:, None] - mean) * gain + 255.0 * brightness
        levels = np.clip(np.rint(table), 0.0, 255.0).astype(np.uint8)
        return np.asarray(cv2.LUT(np.ascontiguousarray(patch), levels[None]), np.uint8)
