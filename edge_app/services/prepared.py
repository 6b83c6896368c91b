"""A frame made ready for the network once: at its input size, with the figures that are measured there."""

from dataclasses import dataclass
from functools import cached_property
from typing import Optional, Tuple

import numpy as np

from edge_app.services.result import FrameQuality
from inspector.preprocess import resize_frame
from inspector.reference import brightness, focus
from inspector.view import View


@dataclass(frozen=True)
class Prepared:
    """A frame for a network of `input_hw`; `full`, the whole frame, is held only where a view needs it."""

    small: np.ndarray
    frame_hw: Tuple[int, int]
    full: Optional[np.ndarray] = None

    @property
    def input_hw(self) -> Tuple[int, int]:
        """The network's input size."""
        return (int(self.small.shape[0]), int(self.small.shape[1]))

    @cached_property
    def quality(self) -> FrameQuality:
        """Brightness and focus, measured when first asked for: beside the network, if in time."""
        return FrameQuality(brightness=brightness(self.small), focus=focus(self.small))

    @property
    def to_inspect(self) -> np.ndarray:
        """What the model is given."""
        return self.small if self.full is None else self.full

    def fits(self, input_hw: Tuple[int, int]) -> bool:
        """Whether a network of this input size can use it."""
        return self.input_hw == input_hw


def prepare(frame: np.ndarray, *, input_hw: Tuple[int, int], view: Optional[View] = None) -> Prepared:
    """Return `frame`, uint8 (h, w, 3) BGR, made ready; ImageError where it is not such an array."""
    small = resize_frame(frame, size_hw=input_hw)
    return Prepared(
        small=small,
        frame_hw=(int(frame.shape[0]), int(frame.shape[1])),
        full=None if view is None else frame,
    )
