"""The synthetic samples that candidates are measured and recalibrated on, drawn once.

Source: [D] Sec. 5.2.4; spec/autodd.md, "Data": good and defective in equal number, fixed.
"""

from __future__ import annotations

from collections.abc import Sequence

from search.defects import DefectStyle, sample_rng, synthesise
from search.defects.style import Frame
from search.recipe import DefectsRecipe
from search.training.feed import Batch, SyntheticSamples, collate, step_keys

VALIDATION_EPOCH = 2**30  # far beyond any training epoch, so that no sample is drawn twice
RECALIBRATION_STEP = 2**20


def draw_validation(
    frames: Sequence[Frame],
    style: DefectStyle,
    recipe: DefectsRecipe,
    *,
    num_images: int,
    batch_size: int,
    seed: int,
) -> list[Batch]:
    """Draw `num_images` samples, every second one with a defect; photos repeat when there are fewer."""
    samples = []
    for number in range(num_images):
        turn, index = divmod(number // 2, len(frames))
        rng = sample_rng(seed=seed, epoch=VALIDATION_EPOCH + 2 * turn + number % 2, index=index)
        samples.append(
            synthesise(
                frames[index],
                style,
                rng,
                defect_probability=float(number % 2),
                rotate_probability=recipe.rotate_probability,
                rotate_max_deg=recipe.rotate_max_deg,
                border=recipe.rotate_border,
            )
        )
    return [collate(samples[i : i + batch_size]) for i in range(0, num_images, batch_size)]


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
