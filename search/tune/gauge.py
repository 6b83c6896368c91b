"""What a network is measured by in a tuning: the objective and the constraints of the recipe.

The threshold comes from the calibration part alone, by the rule of export (inspector/threshold.py, with the
headroom for the rounding of devices).

Shape letters:  N images   H, W rows, columns
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from inspector.manifest import FP32_TOLERANCE
from inspector.metrics import aupr
from inspector.postprocess import Thresholds, Verdict, judge
from inspector.preprocess import frame_to_image
from inspector.threshold import choose_thresholds
from search.limits.limits import limited_cost
from search.nets.detector import Detector
from search.nets.spec import NetworkSpec
from search.recipe import Recipe
from search.tune.failures import Failures, ScoreMaps, failures
from search.tune.material import Material
from search.tune.perturbations import Frame
from search.tune.recipe import TuneRecipe

SCORING_BATCH = 16


@dataclass(frozen=True)
class Scorer:
    """frames -> score maps (N, H, W) of a network in evaluation mode, in float32 on its device."""

    net: Detector
    device: torch.device

    def __call__(self, frames: Sequence[Frame]) -> ScoreMaps:
        maps = [self._maps(frames[at : at + SCORING_BATCH]) for at in range(0, len(frames), SCORING_BATCH)]
        return np.concatenate(maps)

    def _maps(self, frames: Sequence[Frame]) -> ScoreMaps:
        image = torch.from_numpy(np.concatenate([frame_to_image(frame) for frame in frames]))
        with torch.no_grad():
            score = self.net.score(image.to(self.device, memory_format=torch.channels_last))
        maps: ScoreMaps = score[:, 0].cpu().numpy()
        return maps


@dataclass(frozen=True)
class Gauge:
    """Measures networks on the material that all trials share."""

    recipe: Recipe
    settings: TuneRecipe
    material: Material
    device: torch.device

    def objective(self, net: Detector) -> float:
        """Return the pixel AUPR on the synthetic validation samples; not a number where a score is none."""
        scores = []
        with torch.no_grad():
            for batch in self.material.validation:
                image = batch.image.to(self.device, memory_format=torch.channels_last)
                scores.append(net.score(image).cpu().numpy().ravel())
        score = np.concatenate(scores)
        if not np.isfinite(score).all():
            return math.nan
        labels = np.concatenate([batch.mask.numpy().ravel() > 0.5 for batch in self.material.validation])
        return aupr(score, labels)

    def constraints(self, net: Detector, spec: NetworkSpec) -> dict[str, float]:
        """Return the value of every constraint of the recipe; not a number where a score is none."""
        chosen = self.settings.constraints
        values: dict[str, float] = {}
        if chosen.latency is not None or chosen.size is not None:
            cost = limited_cost(spec, self._size_hw, self.recipe.limits)
            values["size"] = cost.size_mb
            values["latency"] = math.nan if cost.latency_ms is None else cost.latency_ms
        if chosen.false_rejects is not None or chosen.robustness is not None:
            thresholds = self.thresholds(net)
            if chosen.false_rejects is not None:
                values["false_rejects"] = self._false_rejects(net, thresholds)
            if chosen.robustness is not None:
                found = self.failures(net, thresholds) if thresholds else None
                values["robustness"] = found.rate if found else math.nan
        return {name: values[name] for name in chosen.thresholds()}

    def thresholds(self, net: Detector) -> Thresholds | None:
        """Choose the thresholds from the calibration part, as export does; None where a score is none."""
        maps = self._scorer(net)(self.material.calibration)
        if not np.isfinite(maps).all():
            return None
        choice = choose_thresholds(maps, false_reject_budget=self.settings.false_reject_budget).thresholds
        return replace(
            choice,
            fail=min(1.0, choice.fail + FP32_TOLERANCE),
            review=min(1.0, choice.review + FP32_TOLERANCE),
        )

    def failures(self, net: Detector, thresholds: Thresholds) -> Failures | None:
        """Count the failures of the robustness suite; None where there is no suite or a score is none."""
        if self.material.suite is None:
            return None
        return failures(self.material.suite, self._scorer(net), thresholds)

    def _false_rejects(self, net: Detector, thresholds: Thresholds | None) -> float:
        maps = self._scorer(net)(self.material.good)
        if thresholds is None or not np.isfinite(maps).all():
            return math.nan
        rejected = sum(judge(one, thresholds).verdict is Verdict.FAIL for one in maps)
        return rejected / len(maps)

    def _scorer(self, net: Detector) -> Scorer:
        return Scorer(net, self.device)

    @property
    def _size_hw(self) -> tuple[int, int]:
        return (self.recipe.data.size, self.recipe.data.size)
