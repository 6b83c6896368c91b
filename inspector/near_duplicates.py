"""Finds images that look alike: hashes propose, thumbnails confirm.

Parts photographed in a fixture all look alike to a perceptual hash. So a pair also has to correlate after the
mean thumbnail of the whole set was taken away, which leaves what is particular to each image.
"""

from dataclasses import dataclass
from typing import Optional, Sequence

import numpy as np

from inspector.image_facts import ImageFacts

MAX_HAMMING = 8
MIN_CORRELATION = 0.98
MIN_IMAGES_FOR_MEAN = 10  # the mean of fewer images is too much like each of them
_BLOCK = 512
_POPCOUNT16 = np.array([bin(i).count("1") for i in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True)
class Looks:
    """N images as arrays: phash uint64 (N,), residual float32 (N, D) of unit length, group int64 (N,)."""

    phash: np.ndarray
    residual: np.ndarray
    group: np.ndarray

    def __len__(self) -> int:
        return len(self.phash)

    def pick(self, rows: np.ndarray) -> "Looks":
        return Looks(self.phash[rows], self.residual[rows], self.group[rows])


def looks_of(images: Sequence[ImageFacts], groups: Sequence[str]) -> Looks:
    """Collect what is compared; images of the same group are never called duplicates of each other."""
    thumbs = np.stack([image.thumb for image in images])
    residual = thumbs - thumbs.mean(axis=1, keepdims=True)
    if len(images) >= MIN_IMAGES_FOR_MEAN:
        residual -= residual.mean(axis=0)
    length = np.linalg.norm(residual, axis=1, keepdims=True)
    numbers = np.unique(np.asarray(groups), return_inverse=True)[1]
    phash = np.array([image.phash for image in images], dtype=np.uint64)
    return Looks(phash, residual / np.maximum(length, 1e-6), numbers.astype(np.int64))


def first_match(looks: Looks, among: Optional[Looks] = None) -> np.ndarray:
    """For each image the index of the first image in `among` that looks the same, or -1: int64 (N,).

    Args:
        among: Where to search; without it, among the earlier ones of `looks` itself.
    """
    others = looks if among is None else among
    found = np.full(len(looks), -1, dtype=np.int64)
    for start in range(0, len(looks), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(looks)))
        same = _alike(looks.pick(rows), others)
        if among is None:
            same &= np.arange(len(others)) < rows[:, np.newaxis]
        found[rows] = np.where(same.any(axis=1), same.argmax(axis=1), -1)
    return found


def _alike(a: Looks, b: Looks) -> np.ndarray:
    """bool (len(a), len(b)): near in hash, alike in residual, of different groups."""
    same = hamming(a.phash[:, np.newaxis], b.phash[np.newaxis]) <= MAX_HAMMING
    same &= a.group[:, np.newaxis] != b.group[np.newaxis]
    rows, columns = np.flatnonzero(same.any(axis=1)), np.flatnonzero(same.any(axis=0))
    if rows.size:
        correlation = a.residual[rows] @ b.residual[columns].T
        same[np.ix_(rows, columns)] &= correlation >= MIN_CORRELATION
    return same


def hamming(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Count the differing bits of uint64 arrays that broadcast: uint8."""
    words = np.ascontiguousarray(a ^ b)[..., np.newaxis].view(np.uint16)
    bits: np.ndarray = _POPCOUNT16[words].sum(axis=-1, dtype=np.uint8)
    return bits
