"""The photos of a run, split and resized once, and the synthetic samples drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from inspector.dataset import Dataset, Sample, Split, open_dataset, split_good
from search.autodd.cell_stage import halve
from search.autodd.validation import draw_recalibration, draw_validation
from search.defects import TextureSource
from search.defects.choose import make_style, make_textures
from search.defects.noisy_masks import NoisyMasks
from search.defects.style import Frame
from search.recipe import Recipe
from search.training.feed import Batch, SyntheticSamples, load_frames


@dataclass(frozen=True)
class RunData:
    """Good photos only; no image of the test part is decoded before the final evaluation."""

    dataset: Dataset
    split: Split
    recipe: Recipe
    textures: TextureSource
    _frames: dict[Path, Frame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size_hw(self) -> tuple[int, int]:
        return (self.recipe.data.size, self.recipe.data.size)

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles of defects that are searched, a supernet each: one, or those of `joint`."""
        return self.recipe.defects.styles

    def search_samples(self, style: int = 0) -> SyntheticSamples:
        """Return what the supernet of a style learns from: the training part."""
        return self._training_samples(self.split.training, self.styles[style])

    def retraining_samples(self, style: int = 0) -> SyntheticSamples:
        """Return what the winner learns from: everything but the calibration part."""
        return self._training_samples((*self.split.training, *self.split.validation), self.styles[style])

    def halves(self) -> tuple[SyntheticSamples, SyntheticSamples]:
        """Return all but the calibration part in two halves: for the weights and for the architecture."""
        photos = (*self.split.training, *self.split.validation)
        first, second = halve(photos, seed=self.recipe.seed)
        return self._training_samples(first), self._training_samples(second)

    def architecture_samples(self) -> SyntheticSamples:
        """Return what an architecture learns from that is searched in turns with its weights."""
        return self._training_samples(self.split.validation)

    def validation_batches(self) -> list[Batch]:
        """Draw the fixed synthetic validation samples from the validation part.

        With `joint` they mix all styles, whatever a candidate was trained on: on the samples of its own style
        the easiest style would win.
        """
        return draw_validation(
            self._samples(self.split.validation, noise=self.recipe.mask_noise.fitness),
            num_images=self.recipe.evolution.validation_images,
            batch_size=self.recipe.one_shot.batch_size,
        )

    def recalibration_batches(self, samples: SyntheticSamples) -> list[Batch]:
        """Draw training batches for BN statistics."""
        return draw_recalibration(
            samples,
            num_batches=self.recipe.evolution.recalibration_batches,
            batch_size=self.recipe.one_shot.batch_size,
            seed=self.recipe.seed,
        )

    def _training_samples(self, photos: tuple[Sample, ...], style: str | None = None) -> SyntheticSamples:
        return self._samples(photos, style, noise=self.recipe.mask_noise.training)

    def _samples(
        self, photos: tuple[Sample, ...], style: str | None = None, *, noise: float
    ) -> SyntheticSamples:
        recipe = self.recipe.defects
        if style is not None:
            recipe = recipe.model_copy(update={"style": style})
        frames = self._read(photos)
        drawn_by = make_style(recipe, self.textures, frames)
        if noise > 0.0:
            wrong = self.recipe.mask_noise
            drawn_by = NoisyMasks(drawn_by, noise, wrong.kinds, wrong.reach)
        return SyntheticSamples(frames, drawn_by, recipe, seed=self.recipe.seed)

    def _read(self, photos: tuple[Sample, ...]) -> list[Frame]:
        """Read each photo once, however many styles and stages ask for it."""
        fresh = [photo for photo in photos if photo.path not in self._frames]
        frames = load_frames(fresh, size_hw=self.size_hw)
        self._frames.update(zip((photo.path for photo in fresh), frames, strict=True))
        return [self._frames[photo.path] for photo in photos]


def open_run_data(recipe: Recipe) -> RunData:
    """Open, check and split the data set of a recipe.

    Raises:
        DatasetError: the folder is unusable, holds too few good images, or a mask does not fit its image.
        ImageError: an image, also of the test or calibration part, is damaged or too large.
    """
    dataset = open_dataset(recipe.data.root, layout=recipe.data.layout)
    dataset.check_files()
    split = split_good(
        dataset.train,
        validation=recipe.data.validation,
        calibration=recipe.data.calibration,
        seed=recipe.seed,
    )
    return RunData(dataset, split, recipe, make_textures(recipe.defects, seed=recipe.seed))
