"""A trial of a tuning as ACE runs it on Ray: the adapter between TrialTraining and ConstrainedTrainable."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from search.ace.trainable import ConstrainedTrainable
from search.autodd.data import open_run_data
from search.nets.detector import Detector, build_detector
from search.nets.spec import NetworkSpec
from search.recipe import Recipe
from search.training.device import make_fabric
from search.tune.candidates import Candidates
from search.tune.gauge import Gauge
from search.tune.material import Material, make_material
from search.tune.recipe import TuneRecipe
from search.tune.trial import TrialTraining

_TRAINING = "training.pt"
_BOOKS = "books.json"


@dataclass(frozen=True)
class Moment:
    """A checkpoint that may be judged later: its weights, and what is known of it."""

    iteration: int
    objective: float
    weights: Mapping[str, Any]


class TuneTrial(ConstrainedTrainable):
    """Retrains the found network with the configuration of a trial."""

    _recipe: Recipe
    _settings: TuneRecipe
    _spec: NetworkSpec
    _material: Material
    _gauge: Gauge
    _fabric: Fabric
    _candidates: Candidates
    _folder: Path
    _training: TrialTraining
    _config: dict[str, Any]
    _trial: str  # kept with the model: one that is judged after the tuning is loaded outside of its trial
    _objective: float
    _recalled: Moment | None
    _saved: float

    def prepare(self, **data: Any) -> None:
        recipe, spec = data["recipe"], data["spec"]
        assert isinstance(recipe, Recipe)
        assert isinstance(spec, NetworkSpec)
        assert recipe.tune is not None
        torch.set_num_threads(max(1, int(data["threads"])))
        self._recipe, self._settings, self._spec = recipe, recipe.tune, spec
        self._fabric = make_fabric(recipe.compute)
        self._material = make_material(recipe, recipe.tune, open_run_data(recipe))
        self._gauge = Gauge(recipe, recipe.tune, self._material, self._fabric.device)
        self._candidates = Candidates(Path(data["candidates"]))
        self._folder = Path(tempfile.mkdtemp(prefix="inspector-trial-"))

    def build(self, config: dict[str, Any]) -> None:
        self._config, self._trial = dict(config), self.trial_id
        self._objective, self._saved, self._recalled = math.nan, -math.inf, None
        (self._folder / _TRAINING).unlink(missing_ok=True)
        self._make_training()

    def train_one_iteration(self) -> Mapping[str, Any]:
        self._recalled = None
        report = self._training.advance()
        if report is None:
            return {"diverged": self._training.diverged}
        return {"loss": report.loss, "steps_per_s": report.steps_per_s, "diverged": self._training.diverged}

    def objective(self) -> float:
        self._objective = math.nan
        if not self._training.diverged:
            self._objective = self._gauge.objective(self._training.weights())
        return self._objective

    def constraint(self) -> Mapping[str, float]:
        moment = self._recalled or self._present()
        values = self._gauge.constraints(self._judged(), self._training.spec)
        if all(values[one.name] <= one.threshold for one in self.ace.constraints):
            self._save_candidate(moment)
        return values

    def remember(self) -> Moment:
        """Only the weights: the training itself is not touched by a judgement of an earlier checkpoint."""
        present = self._present()
        return Moment(
            present.iteration, present.objective, {k: v.clone() for k, v in present.weights.items()}
        )

    def recall(self, remembered: Moment) -> None:
        self._recalled = remembered

    def write_model(self, folder: Path) -> None:
        books = {
            "trial": self._trial,
            "diverged": self._training.diverged,
            "objective": self._objective,
            "saved": self._saved,
        }
        (folder / _BOOKS).write_text(json.dumps(books))
        if (self._folder / _TRAINING).exists():
            shutil.copyfile(self._folder / _TRAINING, folder / _TRAINING)

    def read_model(self, folder: Path) -> None:
        (self._folder / _TRAINING).unlink(missing_ok=True)
        if (folder / _TRAINING).exists():
            shutil.copyfile(folder / _TRAINING, self._folder / _TRAINING)
        self._make_training()
        books = json.loads((folder / _BOOKS).read_text())
        self._training.diverged, self._trial = str(books["diverged"]), str(books["trial"])
        self._objective, self._saved = float(books["objective"]), float(books["saved"])

    def cleanup(self) -> None:
        """Ray's hook at the end of the process."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_training(self) -> None:
        self._training = TrialTraining(
            self._recipe,
            self._settings,
            self._config,
            spec=self._spec,
            material=self._material,
            checkpoint=self._folder / _TRAINING,
            fabric=self._fabric,
        )

    def _present(self) -> Moment:
        training = self._training
        return Moment(training.iteration, self._objective, training.weights().state_dict())

    def _judged(self) -> Detector:
        if self._recalled is None:
            return self._training.weights()
        net = build_detector(self._training.spec)
        net.load_state_dict(dict(self._recalled.weights))
        return net.to(self._fabric.device).eval()

    def _save_candidate(self, moment: Moment) -> None:
        if not moment.objective > self._saved:
            return
        self._saved = moment.objective
        self._candidates.save(self._trial, moment.iteration, dict(moment.weights))
        self._candidates.keep_best(self._trial, moment.iteration)


def threads_of_a_slot(slots: int) -> int:
    """Return how many threads each of `slots` trials at a time may use on this machine."""
    return max(1, (os.cpu_count() or 1) // slots)
