"""Rotations and the ten photometric changes of a texture, three of which are drawn for each defect.

Source: DRAEM's data loader: its ten imgaug operations and their ranges.
Differs from the source: brightness is changed in all channels alike (imgaug picks a colour space at random),
and a rotated texture is mirrored into its corners instead of leaving them black, so that a defect is texture
everywhere.
"""

from collections.abc import Callable
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from search.defects.style import Frame

Augmentation = Callable[[Frame, np.random.Generator], Frame]
Table = npt.NDArray[np.float64]
Pixel = TypeVar("Pixel", np.uint8, np.float32)

_LEVELS = np.arange(256, dtype=np.float64)


def rotate(
    array: npt.NDArray[Pixel], degrees: float, *, shape_hw: tuple[int, int] | None = None, border: int
) -> npt.NDArray[Pixel]:
    """Return the middle of `array`, a frame or a map, rotated about its centre (counter-clockwise, bilinear).

    Args:
        shape_hw: Size of the result; that of `array` if not given.
        border: What lies outside: `cv2.BORDER_CONSTANT` is zero, `cv2.BORDER_REFLECT_101` the mirrored array.
    """
    from_h, from_w = array.shape[:2]
    to_h, to_w = shape_hw or (from_h, from_w)
    matrix = cv2.getRotationMatrix2D(((from_w - 1) / 2, (from_h - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((to_w - from_w) / 2, (to_h - from_h) / 2)
    is_frame = array.ndim == 3
    if is_frame:  # the same levels as with three channels, in half the time
        array = np.asarray(cv2.cvtColor(array, cv2.COLOR_BGR2BGRA), array.dtype)
    turned = cv2.warpAffine(array, matrix, (to_w, to_h), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(cv2.cvtColor(turned, cv2.COLOR_BGRA2BGR) if is_frame else turned, array.dtype)


def augment_texture(frame: Frame, rng: np.random.Generator, *, num_operations: int = 3) -> Frame:
    """Return `frame` after that many different operations out of `AUGMENTATIONS`, in random order."""
    for index in rng.permutation(len(AUGMENTATIONS))[:num_operations]:
        frame = AUGMENTATIONS[index](frame, rng)
    return frame


def _look_up(frame: Frame, table: Table) -> Frame:
    """Map every level through a table (256,), or (256, 3): one a channel; rounded, limited to 0..255."""
    levels = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(frame, levels.reshape(1, 256, -1)), np.uint8)


def _gamma(frame: Frame, rng: np.random.Generator) -> Frame:
    exponents = rng.uniform(0.5, 2.0, size=3)
    return _look_up(frame, 255.0 * (_LEVELS[:, None] / 255.0) ** exponents)


def _brightness(frame: Frame, rng: np.random.Generator) -> Frame:
    return _look_up(frame, _LEVELS * rng.uniform(0.8, 1.2) + rng.uniform(-30.0, 30.0))


def _sharpness(frame: Frame, rng: np.random.Generator) -> Frame:
    amount = rng.uniform(0.0, 2.0)  # 0 smooth, 1 unchanged, 2 sharper
    # Pillow's SMOOTH kernel (1 1 1, 1 5 1, 1 1 1) / 13 is 9/13 of a box average and 4/13 of the pixel itself
    of_average = (1.0 - amount) * 9.0 / 13.0
    return np.asarray(
        cv2.addWeighted(frame, 1.0 - of_average, cv2.blur(frame, (3, 3)), of_average, 0.0), np.uint8
    )


def _hue_saturation(frame: Frame, rng: np.random.Generator) -> Frame:
    # imgaug's +-50 is of 255 for both; OpenCV's hue has 180 steps
    hue, saturation = rng.uniform(-50.0, 50.0, size=2) * (180.0 / 255.0, 1.0)
    table = np.stack(((_LEVELS + np.round(hue)) % 180.0, _LEVELS + saturation, _LEVELS), axis=1)
    shifted = _look_up(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2HSV), np.uint8), table)
    return np.asarray(cv2.cvtColor(shifted, cv2.COLOR_HSV2BGR), np.uint8)


def _solarize(frame: Frame, rng: np.random.Generator) -> Frame:
    threshold = rng.uniform(32.0, 128.0)
    if rng.random() >= 0.5:
        return frame
    return _look_up(frame, np.where(threshold <= _LEVELS, 255.0 - _LEVELS, _LEVELS))


def _posterize(frame: Frame, rng: np.random.Generator) -> Frame:
    step = 2 ** (8 - int(rng.integers(1, 9)))  # 1 to 8 bits are kept
    return _look_up(frame, np.floor(_LEVELS / step) * step)


def _invert(frame: Frame, rng: np.random.Generator) -> Frame:
    return np.asarray(cv2.bitwise_not(frame), np.uint8)


def _autocontrast(frame: Frame, rng: np.random.Generator) -> Frame:
    """Stretch the levels to 0..255 after 0 to 20 % at either end were cut off."""
    cut = rng.uniform(0.0, 0.2)
    channels_in_rows = frame.reshape(frame.shape[0], -1)  # one histogram of all channels
    histogram = cv2.calcHist([channels_in_rows], [0], None, [256], [0.0, 256.0])
    share = np.cumsum(histogram, dtype=np.float64) / frame.size
    low, high = int(np.searchsorted(share, cut, "right")), int(np.searchsorted(share, 1.0 - cut))
    if high <= low:
        return frame
    return _look_up(frame, (_LEVELS - low) * (255.0 / (high - low)))


def _equalize(frame: Frame, rng: np.random.Generator) -> Frame:
    return np.asarray(cv2.merge([cv2.equalizeHist(channel) for channel in cv2.split(frame)]), np.uint8)


def _rotate(frame: Frame, rng: np.random.Generator) -> Frame:
    return rotate(frame, rng.uniform(-45.0, 45.0), border=cv2.BORDER_REFLECT_101)


AUGMENTATIONS: tuple[Augmentation, ...] = (
    _gamma,
    _brightness,
    _sharpness,
    _hue_saturation,
    _solarize,
    _posterize,
    _invert,
    _autocontrast,
    _equalize,
    _rotate,
)
