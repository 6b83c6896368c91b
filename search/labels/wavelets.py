"""What a photo looks like as a row of numbers, without training: wavelet moduli of first and second order.

Source: scattering.
Differs from the source: Gaussian bumps stand in for Morlet wavelets; of every modulus the mean over the whole
photo is kept, of the first order also spread and largest value; a 4x4 thumbnail and the colours are added.
All but the colours are of the photo with its own mean and contrast taken away.

Where a set has a few hundred photos of each class, a small network on top of this learns in seconds, on one
core, what a convolutional one has to see many times.

Shape letters:  B batch   S side   J scales   L orientations   F features
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

SIDE_PX = 128
NUM_SCALES, NUM_ORIENTATIONS = 4, 6
HIGHEST_FREQUENCY, BANDWIDTH, SLANT = 0.375, 0.35, 1.3  # cycles a pixel; in units of the frequency; across
FLOOR = 1e-3  # below it a modulus counts as silence
MIN_CONTRAST = 0.02  # a flat photo stays flat
THUMB_PX = 4

Frame = npt.NDArray[np.uint8]


def features_of(frames: Sequence[Frame]) -> npt.NDArray[np.float32]:
    """Return the features of frames (H, W, 3) BGR of any sizes: float32 (B, F)."""
    small = [cv2.resize(frame, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA) for frame in frames]
    colour = torch.from_numpy(np.stack(small)).float() / 255.0
    with torch.no_grad():
        found: npt.NDArray[np.float32] = torch.cat(
            [_tint(colour), _scattering(colour.mean(dim=3))], 1
        ).numpy()
    return found


def _tint(colour: Tensor) -> Tensor:
    """(B, S, S, 3) -> (B, 6): mean and spread of brightness and of two opponent colours."""
    blue, green, red = colour.unbind(dim=3)
    planes = torch.stack([colour.mean(dim=3), red - green, blue - 0.5 * (red + green)], dim=1).flatten(2)
    return torch.cat([planes.mean(dim=2), torch.log(planes.std(dim=2) + 0.01)], dim=1)


def _scattering(gray: Tensor) -> Tensor:
    """(B, S, S) -> (B, F)."""
    contrast = gray.std(dim=(1, 2), keepdim=True) + MIN_CONTRAST
    plain = (gray - gray.mean(dim=(1, 2), keepdim=True)) / contrast
    parts = [F.adaptive_avg_pool2d(plain[:, None], THUMB_PX).flatten(1)]
    spectrum = torch.fft.fft2(plain)[:, None]
    for scale in range(NUM_SCALES):
        modulus = torch.fft.ifft2(spectrum * _wavelets(SIDE_PX)[scale]).abs()  # (B, L, S, S)
        first = (modulus.mean(dim=(2, 3)), modulus.std(dim=(2, 3)), modulus.amax(dim=(2, 3)))
        parts += [torch.log(part + FLOOR) for part in first]
        parts += _second_order(modulus, scale)
    return torch.cat(parts, dim=1)


def _second_order(modulus: Tensor, scale: int) -> list[Tensor]:
    """How a modulus varies at the coarser scales: (B, L * L) each."""
    coarse = F.avg_pool2d(modulus, 2 ** (scale + 1))  # finer than the next scale nothing is looked for
    spectrum = torch.fft.fft2(coarse)[:, :, None]
    wavelets = _wavelets(coarse.shape[-1])[: NUM_SCALES - scale - 1]
    means = [torch.fft.ifft2(spectrum * wavelet).abs().mean(dim=(3, 4)) for wavelet in wavelets]
    return [torch.log(mean + FLOOR).flatten(1) for mean in means]


@cache
def _wavelets(side: int) -> Tensor:
    """Return (J, L, S, S), the filters in the frequency domain; none of them passes the mean."""
    axis = torch.fft.fftfreq(side)
    v, u = torch.meshgrid(axis, axis, indexing="ij")
    filters = []
    for scale in range(NUM_SCALES):
        centre = HIGHEST_FREQUENCY / 2**scale
        width = BANDWIDTH * centre
        for number in range(NUM_ORIENTATIONS):
            angle = math.pi * number / NUM_ORIENTATIONS
            along = u * math.cos(angle) + v * math.sin(angle)
            across = (v * math.cos(angle) - u * math.sin(angle)) / SLANT
            bump = torch.exp(-((along - centre) ** 2 + across**2) / (2 * width**2))
            low = torch.exp(-(along**2 + across**2) / (2 * width**2))
            filters.append(bump - math.exp(-(centre**2) / (2 * width**2)) * low)
    return torch.stack(filters).view(NUM_SCALES, NUM_ORIENTATIONS, side, side)
