"""The synthetic samples that candidates are measured and recalibrated on, drawn once.

Source: [D] Sec. 5.2.4; spec/autodd.md, "Data": good and defective in equal number, fixed.
"""

from __future__ import annotations

from search.training.feed import Batch, SyntheticSamples, collate, step_keys

VALIDATION_EPOCH = 2**30  # far beyond any training epoch, so that no sample is drawn twice
RECALIBRATION_STEP = 2**20


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
