"""Wrong masks, made on purpose: what people do when they paint defects.

Own design: shifted, dilated, eroded, missing and extra regions.

Shape letters:  H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from inspector.errors import InputError

Mask = npt.NDArray[np.uint8]  # (H, W), 0 or 1
Noise = Callable[[Mask, np.random.Generator, int], Mask]

PLACES_TRIED = 16  # for an extra region that touches no other


def corrupt_mask(mask: Mask, rng: np.random.Generator, *, kinds: Sequence[str], reach_px: int) -> Mask:
    """Return `mask` with one kind of noise, drawn from `kinds`; `mask` stays as it was.

    Args:
        reach_px: How far, at most, a region is shifted and its border moved.

    Raises:
        InputError: no kinds, one that does not exist, or a reach below 1.
    """
    unknown = [kind for kind in kinds if kind not in MASK_NOISE]
    if unknown or not kinds:
        raise InputError(
            f"the kinds of mask noise are {', '.join(MASK_NOISE)}, not {', '.join(unknown) or 'none'}"
        )
    if reach_px < 1:
        raise InputError(f"mask noise that reaches {reach_px} pixels changes nothing; give 1 or more")
    return MASK_NOISE[kinds[int(rng.integers(len(kinds)))]](mask, rng, reach_px)


def shifted(mask: Mask, rng: np.random.Generator, reach_px: int) -> Mask:
    """Return the mask moved by up to `reach_px` along each axis; what leaves the picture is lost."""
    down, right = 0, 0
    while down == right == 0:
        down, right = rng.integers(-reach_px, reach_px + 1, size=2).tolist()
    height, width = mask.shape
    moved = np.zeros_like(mask)
    moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = mask[
        max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return moved


def dilated(mask: Mask, rng: np.random.Generator, reach_px: int) -> Mask:
    """Return the mask with every region grown by 1 to `reach_px`: painted generously."""
    return _as_mask(cv2.dilate(mask, _disc(int(rng.integers(1, reach_px + 1)))))


def eroded(mask: Mask, rng: np.random.Generator, reach_px: int) -> Mask:
    """Return the mask with every region shrunk by 1 to `reach_px`; thin regions vanish."""
    radius = int(rng.integers(1, reach_px + 1))
    return _as_mask(cv2.erode(mask, _disc(radius), borderType=cv2.BORDER_CONSTANT, borderValue=1))


def missing(mask: Mask, rng: np.random.Generator, _reach_px: int) -> Mask:
    """Return the mask without one of its regions: overlooked."""
    num_regions, region_of = _regions(mask)
    if num_regions == 0:
        return mask.copy()
    return np.where(region_of == 1 + rng.integers(num_regions), 0, mask).astype(np.uint8)


def extra(mask: Mask, rng: np.random.Generator, reach_px: int) -> Mask:
    """Return the mask with a region where nothing is: one of its own elsewhere, a disc on an empty mask."""
    region = _one_region(mask, rng, reach_px)
    height, width = region.shape
    added = mask.copy()
    for _ in range(PLACES_TRIED):
        top = int(rng.integers(mask.shape[0] - height + 1))
        left = int(rng.integers(mask.shape[1] - width + 1))
        place = np.s_[top : top + height, left : left + width]
        if not (mask[place] & region).any():
            added[place] |= region
            break
    return added


MASK_NOISE: dict[str, Noise] = {
    "shifted": shifted,
    "dilated": dilated,
    "eroded": eroded,
    "missing": missing,
    "extra": extra,
}


def _one_region(mask: Mask, rng: np.random.Generator, reach_px: int) -> Mask:
    """Cut a region out, flipped at random."""
    num_regions, region_of = _regions(mask)
    if num_regions == 0:
        return _disc(min(reach_px, (min(mask.shape) - 1) // 2))
    chosen = (region_of == 1 + rng.integers(num_regions)).astype(np.uint8)
    rows, columns = np.flatnonzero(chosen.any(axis=1)), np.flatnonzero(chosen.any(axis=0))
    region = chosen[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.asarray(region[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))])


def _regions(mask: Mask) -> tuple[int, npt.NDArray[np.int32]]:
    """Return the number of connected regions, and for each pixel which it is in; 0: in none."""
    num_labels, region_of = cv2.connectedComponents(mask, connectivity=8)
    return num_labels - 1, np.asarray(region_of, np.int32)


def _disc(radius_px: int) -> Mask:
    return _as_mask(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1)))


def _as_mask(pixels: npt.NDArray[np.generic]) -> Mask:
    return np.asarray(pixels, np.uint8)
