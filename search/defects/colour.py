"""Gray frames get gray defects: on a gray camera, a coloured one would teach to look for colour alone."""

import cv2
import numpy as np

from search.defects.style import Frame


def is_gray(frame: Frame) -> bool:
    """Tell whether the three channels agree; every eighth pixel of every eighth row is enough to know."""
    sample = frame[::8, ::8]
    return bool((sample[..., :1] == sample[..., 1:]).all())


def without_colour(frame: Frame) -> Frame:
    """Return `frame` with its gray level in all three channels."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def random_colour(frame: Frame, rng: np.random.Generator) -> tuple[int, int, int]:
    """Draw a colour, uniform in BGR; a gray one for a gray frame."""
    blue, green, red = (int(level) for level in rng.integers(0, 256, size=3))
    return (blue, blue, blue) if is_gray(frame) else (blue, green, red)
