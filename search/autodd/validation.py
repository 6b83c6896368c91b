"""The synthetic samples that candidates are measured and recalibrated on, drawn once.

Source: [D] Sec. 5.2.4; spec/autodd.md, "Data": good and defective in equal number, fixed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from search.training.feed import Batch, SyntheticSamples, collate, step_keys

VALIDATION_EPOCH = 2**30  # far beyond any training epoch, so that no sample is drawn twice
RECALIBRATION_STEP = 2**20
MAX_ROUNDS = 16


def draw_validation(samples: SyntheticSamples, *, num_images: int, batch_size: int) -> list[Batch]:
    """Draw `num_images` samples, every second one with a defect; photos repeat when there are fewer."""
    drawn = []
    for number in range(num_images):
        turn, index = divmod(number // 2, len(samples))
        epoch = VALIDATION_EPOCH + 2 * turn + number % 2
        drawn.append(samples.draw((epoch, index), defect_probability=float(number % 2)))
    return [collate(drawn[i : i + batch_size]) for i in range(0, num_images, batch_size)]


def draw_recalibration(
    samples: SyntheticSamples, *, num_batches: int, batch_size: int, seed: int
) -> list[Batch]:
    """Draw training batches that no training step has used."""
    return [
        collate(
            [
                samples[key]
                for key in step_keys(
                    RECALIBRATION_STEP + number, num_images=len(samples), batch_size=batch_size, seed=seed
                )
            ]
        )
        for number in range(num_batches)
    ]


def most_defective_first(batches: Sequence[Batch]) -> list[Batch]:
    """Return the same samples in batches of the same size, those with most defective pixels first.

    Unseen pixels may be ranked perfectly: the sooner the defective ones are seen, the sooner a bound falls.
    """
    mask = torch.cat([batch.mask for batch in batches])
    order = torch.argsort(mask.sum(dim=(1, 2, 3)), descending=True, stable=True)
    image, target = (torch.cat([getattr(b, name) for b in batches]) for name in ("image", "target"))
    parts = torch.split(order, len(batches[0].mask))
    return [Batch(image[part], target[part], mask[part]) for part in parts]


def round_ends(num_batches: int) -> list[int]:
    """Cut the batches into rounds of about equal length; returns how many were seen after each.

    >>> round_ends(20)[:3], round_ends(3)
    ([2, 3, 4], [1, 2, 3])
    """
    num_rounds = min(num_batches, MAX_ROUNDS)
    return [-(-num_batches * (number + 1) // num_rounds) for number in range(num_rounds)]
