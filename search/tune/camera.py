"""Training photos as a camera might have delivered them: the augmentation that a trial may choose.

The perturbations are those of search/tune/perturbations.py, at a random share of the strengths of the
robustness suite. The suite itself is drawn from other photos and other random numbers, so no picture of it is
ever trained on; the kinds are the same, and that is the point.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.defects import DefectStyle, SyntheticSample
from search.defects.style import Frame
from search.recipe import DefectsRecipe
from search.streams import Purpose, stream
from search.training.feed import SampleKey, SyntheticSamples
from search.tune.perturbations import perturb


class CameraSamples(SyntheticSamples):
    """Synthetic samples of which a share is seen through one random perturbation.

    Input and target go through it with the same random numbers, so that the defect stays their only
    difference. A sample depends on (seed, epoch, index) alone.

    Args:
        probability: Share of the samples that are perturbed.
        strengths: Strength by kind, at most; each picture gets a uniform share of it.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        style: DefectStyle,
        recipe: DefectsRecipe,
        *,
        seed: int,
        probability: float,
        strengths: Mapping[str, float],
    ) -> None:
        super().__init__(frames, style, recipe, seed=seed)
        self._camera_seed = seed
        self._probability = probability
        self._strengths = dict(strengths)

    def draw(self, key: SampleKey, *, defect_probability: float) -> SyntheticSample:
        sample = super().draw(key, defect_probability=defect_probability)
        rng = stream(Purpose.CAMERA, seed=self._camera_seed, number=key[0], second=key[1])
        if not self._strengths or rng.random() >= self._probability:
            return sample
        kind = sorted(self._strengths)[int(rng.integers(len(self._strengths)))]
        strength = self._strengths[kind] * rng.uniform()
        state = rng.bit_generator.state
        seen = perturb(sample.frame, sample.mask, kind=kind, strength=strength, rng=rng)
        rng.bit_generator.state = state
        target = perturb(sample.target, sample.mask, kind=kind, strength=strength, rng=rng)
        return SyntheticSample(seen.frame, target.frame, seen.mask)
