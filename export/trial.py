"""Good photos with drawn defects: what INT8 takes its ranges from, and what precisions are tried on.

Without drawn defects the ranges would end where those of good parts end, and clip what a defect adds. Photos
of the test part are never among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.evidence import Score, spread
from export.exported import Infer
from export.trained import Trained
from inspector.dataset import Sample
from inspector.metrics import aupr
from search.autodd.validation import draw_validation
from search.defects.choose import make_style, make_textures
from search.recipe import DefectsRecipe
from search.training.feed import SyntheticSamples, load_frames


@dataclass(frozen=True)
class Trial:
    """Images, float32 (1, 3, H, W), every second one with a drawn defect; masks, bool (1, 1, H, W)."""

    images: tuple[np.ndarray, ...]
    masks: tuple[np.ndarray, ...]

    def scores(self, infer: Infer) -> np.ndarray:
        """Return the scores of all images, float32 (N, 1, H, W)."""
        return np.concatenate([infer(image) for image in self.images])

    def frame_scores(self, score: Score) -> np.ndarray:
        """Return the same for what maps frames to score maps (H, W)."""
        frames = [(image[0, ::-1].transpose(1, 2, 0) * 255).round().astype(np.uint8) for image in self.images]
        return np.stack([score(frame) for frame in frames])

    def aupr(self, scores: np.ndarray) -> float:
        """Return the pixel AUPR of what `scores` returned."""
        return aupr(scores.ravel(), np.concatenate(self.masks).ravel())


def calibration_images(trained: Trained, *, num_images: int) -> tuple[np.ndarray, ...]:
    """Return what INT8 takes its ranges from: photos of the training part."""
    return _draw(trained, trained.training, num_images=num_images).images


def trial_of(trained: Trained, *, num_images: int) -> Trial:
    """Return what a precision is tried on: photos of the validation part; of training where there is none."""
    return _draw(trained, trained.validation or trained.training, num_images=num_images)


def _draw(trained: Trained, photos: Sequence[Sample], *, num_images: int) -> Trial:
    recipe = DefectsRecipe.model_validate(trained.recipe.get("defects", {}))
    frames = load_frames(spread(photos, max(1, num_images // 2)), size_hw=trained.size_hw)
    style = make_style(recipe, make_textures(recipe, seed=trained.seed), frames)
    samples = SyntheticSamples(frames, style, recipe, seed=trained.seed)
    batches = draw_validation(samples, num_images=num_images, batch_size=1)
    return Trial(
        images=tuple(batch.image.numpy() for batch in batches),
        masks=tuple(batch.mask.numpy() > 0.5 for batch in batches),
    )
