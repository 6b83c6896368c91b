"""Small images with one class each, all in memory, and their parts.

Source: [D] Sec. 2.4.1: nine tenths of what trains learn, a tenth validates.

Shape letters:  N images   H, W rows, columns
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from inspector.errors import DatasetError

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledImages:
    """Images (N, H, W, 3) uint8 RGB and the class of each, (N,), counted from 0.

    Raises:
        DatasetError: there are none, or numbers and shapes do not fit.
    """

    images: Pixels
    labels: Labels
    num_classes: int

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.shape[3] != 3 or not len(self.images):
            raise DatasetError(f"images of shape {self.images.shape} are no stack of colour images")
        if len(self.labels) != len(self.images):
            raise DatasetError(f"{len(self.images)} images, but {len(self.labels)} labels")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= self.num_classes:
            raise DatasetError(f"labels from {low} to {high} do not fit {self.num_classes} classes")

    def __len__(self) -> int:
        return len(self.images)

    def part(self, index: npt.NDArray[np.int64]) -> LabelledImages:
        """Return some of the images, in the order of `index`."""
        return replace(self, images=self.images[index], labels=self.labels[index])

    def relabelled(self, labels: Labels) -> LabelledImages:
        """Return the same images with other labels."""
        return replace(self, labels=labels)


def split_off(num_images: int, *, share: float, rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Return two index arrays, in order: of the rest, and of a random `share`; neither is empty.

    Raises:
        DatasetError: fewer than two images.
    """
    if num_images < 2:
        raise DatasetError(f"{num_images} image cannot be split into two parts; two or more are needed")
    num_taken = min(num_images - 1, max(1, round(share * num_images)))
    order = rng.permutation(num_images)
    return np.sort(order[num_taken:]), np.sort(order[:num_taken])


def normalisation(images: Pixels) -> tuple[npt.NDArray[np.float32], float]:
    """Return the mean image (H, W, 3) of values in 0..1, and their standard deviation around it.

    [D] subtracts the mean alone; one division for all pixels changes its unit, so that weights start well.
    """
    values = images.astype(np.float32) / 255.0
    mean = values.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean, max(float((values - mean).std(dtype=np.float64)), 1e-6)
