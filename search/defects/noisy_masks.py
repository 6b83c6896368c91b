"""Defects of which some have a wrong mask: what carelessly painted defects would teach.

Own design; the noise is that of search/labels/mask_noise.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from search.defects.style import Defective, DefectStyle, Frame
from search.labels.mask_noise import corrupt_mask


@dataclass(frozen=True)
class NoisyMasks:
    """Draws what `style` draws, and gives a share of its defects a wrong mask; the frames stay the same.

    Args:
        share: Of the defects that have a mask at all.
        kinds: Names of search/labels/mask_noise.py, drawn alike.
        reach: How far borders move at most, as a share of the shorter side.
    """

    style: DefectStyle
    share: float
    kinds: Sequence[str]
    reach: float

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        drawn = self.style(frame, rng)
        if rng.random() >= self.share or not drawn.mask.any():
            return drawn
        reach_px = max(1, round(self.reach * min(drawn.mask.shape)))
        return Defective(drawn.frame, corrupt_mask(drawn.mask, rng, kinds=self.kinds, reach_px=reach_px))
