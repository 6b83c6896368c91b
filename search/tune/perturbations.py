"""What a camera does to a picture of the same part: nine perturbations with strengths in physical terms.

Light is added up and lost in linear light, so exposure, white balance, shading, blur and noise are computed
there and encoded again (sRGB); JPEG works on the encoded levels, shift and rotation move pixels.

Source: behavioural tests of invariance, CheckList (ACL 2020), which [D] Sec. 4.3.3 uses as the constraint of
a text classifier; daylight chromaticities: CIE 15; sRGB: IEC 61966-2-1.
Differs from the source: perturbations of a camera instead of words.

Shape letters:  H, W rows, columns
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Mask = npt.NDArray[np.uint8]  # (H, W), 0 or 1
Linear = npt.NDArray[np.float32]  # (H, W, 3) linear light, BGR, 1 is white
Affine = npt.NDArray[np.float64]  # (2, 3)

DAYLIGHT_K = 6504.0
FINE_LEVELS = 4095  # linear light is looked up in steps of 1/4095: finer than 8 bits of sRGB resolve
READ_NOISE_SHARE = 0.1  # noise in the dark, as a share of the noise at white; a usual CMOS sensor
BORDER = cv2.BORDER_REFLECT_101


class Seen(NamedTuple):
    """What the camera delivers, and where the defect is in it."""

    frame: Frame
    mask: Mask


@dataclass(frozen=True)
class Perturbation:
    """One kind of change; exactly one of `change` and `move` is set.

    unit: what `strength` counts; 0 changes nothing.
    largest: the largest strength that makes sense.
    change: (frame, strength, rng) -> frame, the mask stays where it is.
    move: (strength, size_hw, rng) -> the affine map (2, 3) from old to new pixel, for frame and mask alike.
    """

    unit: str
    largest: float
    change: Callable[[Frame, float, np.random.Generator], Frame] | None = None
    move: Callable[[float, tuple[int, int], np.random.Generator], Affine] | None = None


def perturb(frame: Frame, mask: Mask, *, kind: str, strength: float, rng: np.random.Generator) -> Seen:
    """Return new arrays: `frame` after one of `PERTURBATIONS`, and where its defect is then.

    Signs and directions are drawn from `rng`; the same generator state gives the same picture.

    Args:
        strength: From 0, which returns equal arrays, to the kind's `largest`, in its `unit`.

    Raises:
        ValueError: the strength is out of range.
    """
    perturbation = PERTURBATIONS[kind]
    if not 0 <= strength <= perturbation.largest:
        raise ValueError(
            f"the strength of {kind} is {strength:g} {perturbation.unit}; "
            f"it must be from 0 to {perturbation.largest:g}"
        )
    if strength == 0:
        return Seen(frame.copy(), mask.copy())
    if perturbation.change is not None:
        return Seen(perturbation.change(frame, strength, rng), mask.copy())
    assert perturbation.move is not None
    matrix = perturbation.move(strength, (frame.shape[0], frame.shape[1]), rng)
    return Seen(_moved(frame, matrix), (_moved(mask * np.uint8(255), matrix) > 127).astype(np.uint8))


def to_linear(frame: Frame) -> Linear:
    """Return the light behind sRGB levels, float32 in 0..1."""
    return np.asarray(cv2.LUT(frame, _DECODE), np.float32)


def to_levels(linear: Linear) -> Frame:
    """Return the sRGB levels of linear light; what is brighter than white is clipped, as on a sensor."""
    index = np.clip(np.rint(linear * FINE_LEVELS), 0, FINE_LEVELS).astype(np.uint16)
    levels: Frame = _ENCODE[index]
    return levels


def daylight_gains(mired: float) -> npt.NDArray[np.float64]:
    """Return the gains (3,) of B, G, R when light `mired` away from 6504 K is seen with its white balance.

    Positive is warmer. The gain of G is 1.
    """
    shifted, neutral = _daylight_bgr(1e6 / (1e6 / DAYLIGHT_K + mired)), _daylight_bgr(DAYLIGHT_K)
    gains = shifted / neutral
    scaled: npt.NDArray[np.float64] = gains / gains[1]
    return scaled


def is_gray(frame: Frame) -> bool:
    """Return whether no pixel has a colour: the picture of a monochrome camera."""
    return bool((frame[..., :1] == frame[..., 1:]).all())


def _exposure(frame: Frame, stops: float, rng: np.random.Generator) -> Frame:
    return to_levels(to_linear(frame) * np.float32(2.0 ** (stops * _sign(rng))))


def _white_balance(frame: Frame, mired: float, rng: np.random.Generator) -> Frame:
    return to_levels(to_linear(frame) * daylight_gains(mired * _sign(rng)).astype(np.float32))


def _defocus(frame: Frame, diameter_px: float, rng: np.random.Generator) -> Frame:
    return to_levels(_filtered(to_linear(frame), _disc(diameter_px)))


def _motion_blur(frame: Frame, length_px: float, rng: np.random.Generator) -> Frame:
    return to_levels(_filtered(to_linear(frame), _line(length_px, rng.uniform(0.0, math.pi))))


def _sensor_noise(frame: Frame, noise_at_white: float, rng: np.random.Generator) -> Frame:
    """Shot noise, whose variance grows with the light, and read noise, which is there in the dark."""
    light = to_linear(frame)
    spread = noise_at_white * np.sqrt(light + np.float32(READ_NOISE_SHARE**2))
    planes = 1 if is_gray(frame) else 3  # a gray picture comes from a sensor without colours
    noise = rng.standard_normal((*frame.shape[:2], planes), dtype=np.float32)
    return to_levels(light + spread * noise)


def _jpeg(frame: Frame, quality_lost: float, rng: np.random.Generator) -> Frame:
    done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, round(100 - quality_lost)])
    assert done, "OpenCV encodes every uint8 frame"
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _shading(frame: Frame, lost: float, rng: np.random.Generator) -> Frame:
    """A lamp that is off to one side: full light at one edge, `lost` of it missing at the other."""
    height, width = frame.shape[:2]
    angle = rng.uniform(0.0, 2.0 * math.pi)
    rows, columns = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    along = rows * math.sin(angle) + columns * math.cos(angle)
    share = (along - along.min()) / max(float(along.max() - along.min()), 1e-9)
    return to_levels(to_linear(frame) * (1.0 - lost * share[:, :, None]).astype(np.float32))


def _shift(percent: float, size_hw: tuple[int, int], rng: np.random.Generator) -> Affine:
    angle = rng.uniform(0.0, 2.0 * math.pi)
    reach = percent / 100.0
    return np.array(
        [[1.0, 0.0, reach * size_hw[1] * math.cos(angle)], [0.0, 1.0, reach * size_hw[0] * math.sin(angle)]]
    )


def _rotation(degrees: float, size_hw: tuple[int, int], rng: np.random.Generator) -> Affine:
    centre = ((size_hw[1] - 1) / 2, (size_hw[0] - 1) / 2)
    return np.asarray(cv2.getRotationMatrix2D(centre, degrees * _sign(rng), 1.0))


PERTURBATIONS = {
    "exposure": Perturbation("stops", 4.0, change=_exposure),
    "white_balance": Perturbation("mired", 90.0, change=_white_balance),  # 6504 K to 4100 or 15700 K
    "defocus": Perturbation("px of blur circle", 64.0, change=_defocus),
    "motion_blur": Perturbation("px of travel", 64.0, change=_motion_blur),
    "sensor_noise": Perturbation("of white", 0.5, change=_sensor_noise),  # 0.01 is 10,000 electrons, 40 dB
    "jpeg": Perturbation("below quality 100", 99.0, change=_jpeg),
    "shift": Perturbation("% of the side", 50.0, move=_shift),
    "rotation": Perturbation("degrees", 180.0, move=_rotation),
    "shading": Perturbation("of the light at one edge", 1.0, change=_shading),
}


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _moved(array: npt.NDArray[np.uint8], matrix: Affine) -> npt.NDArray[np.uint8]:
    size = (array.shape[1], array.shape[0])
    return np.asarray(
        cv2.warpAffine(array, matrix, size, flags=cv2.INTER_LINEAR, borderMode=BORDER), np.uint8
    )


def _filtered(light: Linear, kernel: npt.NDArray[np.float32]) -> Linear:
    return np.asarray(cv2.filter2D(light, -1, kernel, borderType=BORDER), np.float32)


def _disc(diameter_px: float) -> npt.NDArray[np.float32]:
    """Return the kernel of a blur circle, summing to 1; pixels on its rim count in part."""
    reach = math.ceil(diameter_px / 2 + 0.5)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(diameter_px / 2 + 0.5 - np.hypot(x, y), 0.0, 1.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _line(length_px: float, angle: float) -> npt.NDArray[np.float32]:
    """Return the kernel of a straight travel, summing to 1: points along it, shared among their pixels."""
    reach = math.ceil(length_px / 2) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for along in np.linspace(-length_px / 2, length_px / 2, 8 * reach + 1):
        x, y = reach + along * math.cos(angle), reach + along * math.sin(angle)
        left, top = math.floor(x), math.floor(y)
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            if 0 <= row < len(kernel) and 0 <= column < len(kernel):
                kernel[row, column] += (1 - abs(y - row)) * (1 - abs(x - column))
    return np.asarray(kernel / kernel.sum(), np.float32)


def _daylight_bgr(kelvin: float) -> npt.NDArray[np.float64]:
    """Return linear sRGB, as B, G, R, of CIE daylight of 4000 to 25,000 K with luminance 1."""
    low, high = (0.244063, 0.09911e3, 2.9678e6, -4.6070e9), (0.237040, 0.24748e3, 1.9018e6, -2.0064e9)
    terms = low if kelvin <= 7000 else high
    x = sum(term / kelvin**power for power, term in enumerate(terms))
    y = -3.0 * x**2 + 2.870 * x - 0.275
    rgb = _XYZ_TO_RGB @ np.array([x / y, 1.0, (1.0 - x - y) / y])
    bgr: npt.NDArray[np.float64] = rgb[::-1]
    return bgr


def _decode_table() -> npt.NDArray[np.float32]:
    level = np.arange(256) / 255.0
    linear = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def _encode_table() -> npt.NDArray[np.uint8]:
    light = np.arange(FINE_LEVELS + 1) / FINE_LEVELS
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255.0 * level).astype(np.uint8)


_DECODE, _ENCODE = _decode_table(), _encode_table()
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)  # IEC 61966-2-1
