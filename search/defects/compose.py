"""One training sample: a good frame, perhaps rotated, perhaps with a defect, and the mask of the defect.

Source: [D] Sec. 5.2.2; DRAEM's data loader.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np

from search.defects.augment import rotate
from search.defects.style import DefectStyle, Frame, Mask
from search.streams import Purpose, stream

Border = Literal["black", "mirror"]
_BORDERS = {"black": cv2.BORDER_CONSTANT, "mirror": cv2.BORDER_REFLECT_101}


class SyntheticSample(NamedTuple):
    """What the networks learn from.

    `frame` is the input, `target` the same frame without its defect, which the reconstructor has to restore,
    and `mask` says which pixels are defective.
    """

    frame: Frame
    target: Frame
    mask: Mask

    @property
    def is_good(self) -> bool:
        """A defect whose mask came out empty makes a good sample too."""
        return not self.mask.any()


def sample_rng(*, seed: int, epoch: int, index: int) -> np.random.Generator:
    """Return the generator of sample `index` of an epoch: the same in any order and any number of workers.

    The three numbers must not be negative.
    """
    return stream(Purpose.SAMPLE, seed=seed, number=epoch, second=index)


def rotate_good(
    frame: Frame,
    rng: np.random.Generator,
    *,
    probability: float = 0.3,
    max_deg: float = 90.0,
    border: Border = "black",
) -> Frame:
    """Return `frame`, with that probability rotated by U(-max_deg, max_deg) degrees.

    Args:
        border: What fills the corners. `black` is DRAEM's choice.
    """
    if rng.random() >= probability:
        return frame
    return rotate(frame, rng.uniform(-max_deg, max_deg), border=_BORDERS[border])


def synthesise(
    frame: Frame,
    style: DefectStyle,
    rng: np.random.Generator,
    *,
    defect_probability: float = 0.5,
    rotate_probability: float = 0.3,
    rotate_max_deg: float = 90.0,
    border: Border = "black",
) -> SyntheticSample:
    """Return a training sample made of one good frame (H, W, 3), which is left as it was.

    The rotation comes first, so that frame, target and mask always lie on each other.
    """
    target = rotate_good(frame, rng, probability=rotate_probability, max_deg=rotate_max_deg, border=border)
    if rng.random() >= defect_probability:
        return SyntheticSample(target.copy(), target, np.zeros(target.shape[:2], np.uint8))
    defective = style(target, rng)
    return SyntheticSample(defective.frame, target, defective.mask)
