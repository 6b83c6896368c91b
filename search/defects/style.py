"""What a synthetic defect is, and the one interface that every way of drawing one has."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Mask = npt.NDArray[np.uint8]  # (H, W), 0 or 1


class Defective(NamedTuple):
    """A frame with a synthetic defect, and where the defect is."""

    frame: Frame
    mask: Mask


class DefectStyle(Protocol):
    """Draws one defect onto a good frame.

    Whatever else a style needs (textures, other good frames to cut a patch from) is given to its constructor,
    so that all styles are called alike. A style takes every random choice from `rng`, keeps no state that
    changes the answer, leaves `frame` as it was, and returns new arrays. The mask may be empty.
    """

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective: ...
