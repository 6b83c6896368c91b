"""What every trial of a tuning learns from and is measured on: drawn once, whatever a trial chooses.

The parts of the split keep their meaning: the training part trains, the validation part gives the objective
and the constraints, the calibration part gives the threshold and nothing else.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.dataset import Sample
from search.autodd.data import RunData
from search.autodd.validation import draw_validation
from search.defects import TextureSource
from search.defects.choose import make_style
from search.defects.style import Frame
from search.recipe import DefectsRecipe, Recipe
from search.training.feed import Batch, SyntheticSamples, load_frames
from search.tune.camera import CameraSamples
from search.tune.failures import Suite, draw_suite
from search.tune.perturbations import Seen, is_gray
from search.tune.recipe import MILD, TuneRecipe

VALIDATION_BATCH = 8
SUITE_EPOCH = 2**31  # beyond the epochs of training and of the synthetic validation set


@dataclass(frozen=True)
class Material:
    """Good photos of the three parts and what was drawn from them.

    validation: synthetic samples, every second one with a defect, by the recipe's own generator.
    groups: for each calibration frame the part that it shows.
    suite: None where robustness is no constraint.
    strengths: strengths by kind that these photos can show: a gray camera has no white balance.
    """

    training: tuple[Frame, ...]
    good: tuple[Frame, ...]
    calibration: tuple[Frame, ...]
    groups: tuple[str, ...]
    validation: tuple[Batch, ...]
    suite: Suite | None
    strengths: Mapping[str, tuple[float, ...]]
    textures: TextureSource

    def training_samples(
        self, defects: DefectsRecipe, *, camera_probability: float, seed: int
    ) -> SyntheticSamples:
        """Return what a trial learns from, with its own generator settings."""
        style = make_style(defects, self.textures, self.training)
        if camera_probability == 0:
            return SyntheticSamples(self.training, style, defects, seed=seed)
        return CameraSamples(
            self.training,
            style,
            defects,
            seed=seed,
            probability=camera_probability,
            strengths={kind: max(values) for kind, values in self.strengths.items()},
        )


def make_material(recipe: Recipe, tune: TuneRecipe, data: RunData) -> Material:
    """Read the photos and draw everything that is the same for all trials."""

    def frames_of(photos: Sequence[Sample]) -> tuple[Frame, ...]:
        return tuple(load_frames(photos, size_hw=data.size_hw))

    training, good = frames_of(data.split.training), frames_of(data.split.validation)
    style = make_style(recipe.defects, data.textures, good)
    samples = SyntheticSamples(good, style, recipe.defects, seed=recipe.seed)
    strengths = _visible(tune, training)
    suite = None
    if tune.constraints.robustness is not None:
        originals = _originals(samples, good, tune.constraints.robustness.images)
        suite = draw_suite(originals, strengths, seed=recipe.seed)
    return Material(
        training=training,
        good=good,
        calibration=frames_of(data.split.calibration),
        groups=tuple(sample.group for sample in data.split.calibration),
        validation=tuple(
            draw_validation(samples, num_images=tune.validation_images, batch_size=VALIDATION_BATCH)
        ),
        suite=suite,
        strengths=strengths,
        textures=data.textures,
    )


def _originals(samples: SyntheticSamples, good: Sequence[Frame], num_images: int) -> list[Seen]:
    """Return good frames spread over the part, then as many others with a defect."""
    places = np.linspace(0, len(good) - 1, min(num_images, len(good))).round().astype(int)
    passing = [Seen(good[place], np.zeros(good[place].shape[:2], np.uint8)) for place in places]
    defective = []
    for number in range(num_images):
        turn, index = divmod(number, len(samples))
        sample = samples.draw((SUITE_EPOCH + turn, index), defect_probability=1.0)
        if sample.mask.any():
            defective.append(Seen(sample.frame, sample.mask))
    return passing + defective


def _visible(tune: TuneRecipe, frames: Sequence[Frame]) -> dict[str, tuple[float, ...]]:
    robustness = tune.constraints.robustness
    strengths = dict(MILD if robustness is None else robustness.strengths)
    if all(is_gray(frame) for frame in frames):
        strengths.pop("white_balance", None)
    return {kind: values for kind, values in strengths.items() if values}
