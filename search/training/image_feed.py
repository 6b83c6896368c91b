"""Batches of labelled images: those of a step depend on seed and step alone.

Source: [D] Sec. 2.4.1 (mean subtraction, flips, crops after padding by 4 pixels); Cutout.
Differs from the source: values are also divided by one standard deviation, the same for all pixels.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from search.streams import Purpose, stream
from search.training.feed import step_keys
from search.training.labelled_images import LabelledImages

PADDING_PX = 4
Values = npt.NDArray[np.float32]  # (B, H, W, 3)


@dataclass(frozen=True)
class ImageFeed:
    """What a training sees.

    Args:
        mean, deviation: Of the training images (`normalisation`), also where this feed is of other ones.
        augment: Crop and flip at random.
        cutout_px: Side of a square that is blanked; 0: none.
    """

    data: LabelledImages
    mean: npt.NDArray[np.float32]
    deviation: float
    batch_size: int
    seed: int = 0
    augment: bool = False
    cutout_px: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which every image is seen once; a last, smaller batch is filled from the next epoch."""
        return max(1, -(-len(self.data) // self.batch_size))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return images (B, 3, H, W) float32 and labels (B,) of a step, counted from 0."""
        keys = step_keys(step, num_images=len(self.data), batch_size=self.batch_size, seed=self.seed)
        index = np.array([place for _, place in keys])
        values = self._values(index)
        rng = stream(Purpose.PICTURE, seed=self.seed, number=step)
        if self.augment:
            values = random_crops(random_flips(values, rng), rng, padding_px=PADDING_PX)
        if self.cutout_px:
            values = random_cutout(values, rng, side_px=self.cutout_px)
        return _tensors(values, self.data.labels[index])

    def in_order(self) -> list[tuple[Tensor, Tensor]]:
        """Return all images once, in their order, as they are: for measuring."""
        starts = range(0, len(self.data), self.batch_size)
        parts = [np.arange(start, min(start + self.batch_size, len(self.data))) for start in starts]
        return [_tensors(self._values(index), self.data.labels[index]) for index in parts]

    def _values(self, index: npt.NDArray[np.int64]) -> Values:
        values = self.data.images[index].astype(np.float32) / 255.0
        return np.asarray((values - self.mean) / np.float32(self.deviation))


def random_flips(values: Values, rng: np.random.Generator) -> Values:
    """Mirror about half of the images left to right."""
    flipped = rng.random(len(values)) < 0.5
    return np.where(flipped[:, None, None, None], values[:, :, ::-1], values)


def random_crops(values: Values, rng: np.random.Generator, *, padding_px: int) -> Values:
    """Shift each image by up to `padding_px` along both axes; zeros, the mean, move in."""
    num, (height, width) = len(values), values.shape[1:3]
    padded = np.pad(values, ((0, 0), (padding_px, padding_px), (padding_px, padding_px), (0, 0)))
    shifts = rng.integers(0, 2 * padding_px + 1, size=(2, num))
    rows = shifts[0][:, None, None] + np.arange(height)[None, :, None]
    columns = shifts[1][:, None, None] + np.arange(width)[None, None, :]
    return np.asarray(padded[np.arange(num)[:, None, None], rows, columns])


def random_cutout(values: Values, rng: np.random.Generator, *, side_px: int) -> Values:
    """Set a square around a random pixel of each image to zero; it may reach over the border."""
    num, (height, width) = len(values), values.shape[1:3]
    row, column = rng.integers(0, height, num), rng.integers(0, width, num)
    near_row = np.abs(np.arange(height)[None, :] - row[:, None]) < side_px / 2
    near_column = np.abs(np.arange(width)[None, :] - column[:, None]) < side_px / 2
    hidden = near_row[:, :, None] & near_column[:, None, :]
    return np.where(hidden[..., None], np.float32(0.0), values)


def _tensors(values: Values, labels: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    image = torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
    return image, torch.from_numpy(np.ascontiguousarray(labels))
