"""Training samples, the same for any number of workers and after any resume.

Source: spec/autodd.md, "Defect generators", reproducibility.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from inspector.dataset import Sample, read_frame
from inspector.preprocess import frame_to_image, resize_frame
from search.defects import DefectStyle, SyntheticSample, sample_rng, synthesise
from search.defects.style import Frame
from search.recipe import DefectsRecipe
from search.streams import Purpose, stream

SampleKey = tuple[int, int]  # (epoch, index of the image)


@dataclass(frozen=True)
class Batch:
    """What one step learns from: image, target (B, 3, H, W) in 0..1 and mask (B, 1, H, W), all float32."""

    image: Tensor
    target: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> Batch:
        def move(x: Tensor) -> Tensor:
            return x.to(device, non_blocking=True, memory_format=torch.channels_last)

        return Batch(move(self.image), move(self.target), move(self.mask))


def load_frames(samples: Sequence[Sample], *, size_hw: tuple[int, int]) -> list[Frame]:
    """Read photos once, at the network's input size."""
    return [resize_frame(read_frame(sample.path), size_hw=size_hw) for sample in samples]


class SyntheticSamples(Dataset[SyntheticSample]):
    """Sample (epoch, index): photo `index`, good or with a defect, decided by (seed, epoch, index) alone."""

    def __init__(
        self, frames: Sequence[Frame], style: DefectStyle, recipe: DefectsRecipe, *, seed: int
    ) -> None:
        self._frames = frames
        self._style = style
        self._recipe = recipe
        self._seed = seed

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, key: SampleKey) -> SyntheticSample:
        return self.draw(key, defect_probability=self._recipe.probability)

    def draw(self, key: SampleKey, *, defect_probability: float) -> SyntheticSample:
        """Return sample `key` with another share of defects than the recipe's: 0 or 1 decide it."""
        epoch, index = key
        return synthesise(
            self._frames[index],
            self._style,
            sample_rng(seed=self._seed, epoch=epoch, index=index),
            defect_probability=defect_probability,
            rotate_probability=self._recipe.rotate_probability,
            rotate_max_deg=self._recipe.rotate_max_deg,
            border=self._recipe.rotate_border,
        )


def step_keys(step: int, *, num_images: int, batch_size: int, seed: int) -> list[SampleKey]:
    """Return the samples of one step: epochs are shuffled passes over all images, laid end to end."""
    first = step * batch_size
    places = [divmod(position, num_images) for position in range(first, first + batch_size)]
    orders = {
        epoch: stream(Purpose.ORDER, seed=seed, number=epoch).permutation(num_images)
        for epoch in {epoch for epoch, _ in places}
    }
    return [(epoch, int(orders[epoch][place])) for epoch, place in places]


def training_feed(
    samples: SyntheticSamples,
    *,
    first_step: int,
    num_steps: int,
    batch_size: int,
    seed: int,
    workers: int,
    rank: int = 0,
    num_ranks: int = 1,
) -> Iterator[Batch]:
    """Yield the batches of steps `first_step` to `num_steps`, whatever the number of worker processes.

    Of several ranks each gets its share of every batch: together they see what one would.
    """
    keys = (
        step_keys(step, num_images=len(samples), batch_size=batch_size, seed=seed)[rank::num_ranks]
        for step in range(first_step, num_steps)
    )
    return iter(
        DataLoader(
            samples,
            batch_sampler=keys,  # keys are pairs, not the ints of map-style data sets
            collate_fn=collate,
            num_workers=workers,
            worker_init_fn=_quiet_worker,
            # A forked worker inherits the locks of the training's threads and may wait for them for ever.
            multiprocessing_context="spawn" if workers else None,
        )
    )


def _quiet_worker(_worker: int) -> None:
    cv2.setNumThreads(1)


def collate(samples: Sequence[SyntheticSample]) -> Batch:
    """Stack samples into one batch of float32 tensors."""
    image = np.concatenate([frame_to_image(sample.frame) for sample in samples])
    target = np.concatenate([frame_to_image(sample.target) for sample in samples])
    mask = np.stack([sample.mask for sample in samples])[:, None].astype(np.float32)
    return Batch(torch.from_numpy(image), torch.from_numpy(target), torch.from_numpy(mask))
