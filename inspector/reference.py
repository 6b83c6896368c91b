"""What good parts looked like when the bundle was made: brightness, focus and score, for drift on the line.

Source: focus is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000).
"""

from typing import Sequence

import cv2
import numpy as np

from inspector.manifest import Distribution, Reference


def brightness(frame: np.ndarray) -> float:
    """Return the mean gray value, 0..255, of a frame at network input size."""
    return float(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).mean())


def focus(frame: np.ndarray) -> float:
    """Return the variance of the Laplacian of a frame at network input size; blur lowers it."""
    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.CV_32F).var())


def reference_of(frames: Sequence[np.ndarray], image_scores: Sequence[float]) -> Reference:
    """Describe good parts by their frames at network input size and their image scores, at least one."""
    return Reference(
        num_images=len(frames),
        brightness=Distribution.of([brightness(frame) for frame in frames]),
        focus=Distribution.of([focus(frame) for frame in frames]),
        score=Distribution.of(image_scores),
    )
