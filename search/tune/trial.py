"""One trial of a tuning: a training that goes on iteration by iteration.

Nothing here knows of Ray or ACE. A trial's result depends on the recipe and its configuration alone: all
trials begin with the same weights and see the photos in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from inspector.errors import TrainingError
from search.losses.segmentation import LossWeights
from search.nets.detector import Detector, build_detector, initialise
from search.nets.peers.segmenter import load_encoder_weights
from search.nets.spec import NetworkSpec
from search.recipe import Recipe
from search.training.fit import Fit, FitPlan, StepReport
from search.tune.material import Material
from search.tune.recipe import TuneRecipe
from search.tune.space import CAMERA, trial_recipe


class TrialTraining:
    """One configuration's training.

    Args:
        spec: The found network; the configuration may change its width.
        checkpoint: Where the training keeps its state; what lies there is gone on with.

    Attributes:
        diverged: Why the training cannot go on; empty while it can.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: TuneRecipe,
        config: Mapping[str, Any],
        *,
        spec: NetworkSpec,
        material: Material,
        checkpoint: Path,
        fabric: Fabric,
    ) -> None:
        self.recipe = trial_recipe(recipe, settings, dict(config))
        self.spec = replace(spec, width=int(config.get("width", spec.width)))
        self.diverged = ""
        self._steps = settings.steps_per_iteration
        net = build_detector(self.spec)
        initialise(net, recipe.network.initialisation, seed=recipe.seed)
        if recipe.network.encoder_weights is not None:
            load_encoder_weights(net, recipe.network.encoder_weights)
        samples = material.training_samples(
            self.recipe.defects, camera_probability=float(config.get(CAMERA, 0.0)), seed=recipe.seed
        )
        plan = FitPlan(
            recipe=self.recipe.retraining,
            loss=LossWeights(**self.recipe.loss.model_dump()),
            compute=recipe.compute,
            seed=recipe.seed,
            num_steps=settings.num_steps,
            checkpoint=checkpoint,
        )
        self._fit = Fit(net, samples, plan, fabric=fabric)

    @property
    def iteration(self) -> int:
        """Iterations that are done."""
        return self._fit.first_step // self._steps

    def advance(self) -> StepReport | None:
        """Train for one iteration; returns the last report of its losses, if there was one.

        A training that diverged stays where it is.
        """
        reports: list[StepReport] = []
        if not self.diverged:
            until = (self.iteration + 1) * self._steps
            try:
                self._fit.run(lambda _step: None, reports.append, until=until)
            except TrainingError as error:
                self.diverged = str(error)
        return reports[-1] if reports else None

    def weights(self) -> Detector:
        """Return the network as it is now, in evaluation mode; the moving average where there is one."""
        net = self._fit.weights()
        assert isinstance(net, Detector)
        return net
