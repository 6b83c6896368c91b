"""Two classical ways to find a defect without learning, each in several variants.

Shape letters:  N photos   H, W rows, columns
"""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]


def mean_difference(frames: Array, goods: Array) -> Iterator[tuple[str, Array]]:
    """Yield (variant, scores (N, H, W)): the difference of frames (N, H, W, 3) to the mean good photo."""
    mean, spread = goods.mean(0), goods.std(0)
    difference = np.abs(frames - mean)
    scores = {
        "largest channel": difference.max(3),
        "mean of channels": difference.mean(3),
        "in units of its spread": (difference / (spread + 3.0)).mean(3),
    }
    for name, score in scores.items():
        for sigma in (0.0, 1.0, 2.0, 4.0):
            yield f"difference to the mean, {name}, blur {sigma:g}", blurred(score, sigma)


def local_contrast(frames: Array) -> Iterator[tuple[str, Array]]:
    """Yield (variant, scores (N, H, W)): how much a pixel stands out from its surroundings."""
    gray = frames.mean(3)
    for reach in (2.0, 4.0, 8.0, 16.0):
        contrast = np.abs(frames - blurred(frames, reach))
        variance = np.maximum(blurred(gray * gray, reach) - blurred(gray, reach) ** 2, 0.0)
        scores = {
            "largest channel": contrast.max(3),
            "mean of channels": contrast.mean(3),
            "standard deviation": np.sqrt(variance),
        }
        for name, score in scores.items():
            for sigma in (0.0, 1.5):
                yield f"local contrast, {name}, reach {reach:g}, blur {sigma:g}", blurred(score, sigma)


def blurred(scores: Array, sigma: float) -> Array:
    """Return each of N maps (or frames) after a Gaussian blur; as they are where sigma is 0."""
    return np.stack([cv2.GaussianBlur(score, (0, 0), sigma) for score in scores]) if sigma else scores
