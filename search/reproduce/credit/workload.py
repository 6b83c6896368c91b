"""LightGBM on the credit data: Table 4.1's space, and a trial bound by its equalised-odds difference.

Source: [D] Table 4.1, Sec. 4.3.1, 4.3.2; FLAML's LightGBM space (facts, section C).
Differs from the source: one iteration of ACE is several boosting rounds, since a report to Ray costs as much
as one; one thread a trial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
from ray import tune
from sklearn.metrics import roc_auc_score

from search.ace.trainable import ConstrainedTrainable
from search.reproduce.credit.data import CreditData
from search.reproduce.credit.fairness import eod_by_name

METRIC, CONSTRAINT = "auc", "eod"
INITIAL: dict[str, Any] = {
    "n_estimators": 4,
    "num_leaves": 4,
    "min_child_samples": 20,
    "learning_rate": 0.1,
    "log_max_bin": 8,
    "colsample_bytree": 1.0,
    "reg_alpha": 1.0 / 1024.0,
    "reg_lambda": 1.0,
}


def table_4_1(num_instances: int) -> dict[str, Any]:
    """Return the search space for that many training instances; Ray leaves the upper ends of integers out."""
    upper = max(5, min(32768, num_instances)) + 1
    return {
        "n_estimators": tune.lograndint(4, upper),
        "num_leaves": tune.lograndint(4, upper),
        "min_child_samples": tune.lograndint(2, 129 + 1),
        "learning_rate": tune.loguniform(1.0 / 1024.0, 1.0),
        "log_max_bin": tune.lograndint(3, 11 + 1),
        "colsample_bytree": tune.uniform(0.01, 1.0),
        "reg_alpha": tune.loguniform(1.0 / 1024.0, 1024.0),
        "reg_lambda": tune.loguniform(1.0 / 1024.0, 1024.0),
    }


@dataclass(frozen=True)
class Remembered:
    """A checkpoint: how many rounds it has, and its scores of the validation part, (N,)."""

    rounds: int
    scores: np.ndarray


class CreditTrial(ConstrainedTrainable):
    """One configuration; AUC on the validation part, to be maximised."""

    def prepare(self, **data: Any) -> None:
        """Take `credit` (CreditData), `eod` (which code) and `rounds_per_iteration` (boosting rounds)."""
        self._credit: CreditData = data["credit"]
        self._eod = eod_by_name(data["eod"])
        self._rounds_per_iteration = int(data["rounds_per_iteration"])

    def build(self, config: dict[str, Any]) -> None:
        self._config = dict(config)
        self._rounds = 0
        self._scores = np.full(len(self._credit.validation.target), self._credit.decision_threshold)
        self._booster: lgb.Booster | None = self._trained(0)

    def total_iterations(self) -> int:
        """Return the iterations that `n_estimators` rounds make."""
        return iterations_of(int(self._config["n_estimators"]), self._rounds_per_iteration)

    def train_one_iteration(self) -> None:
        if self._booster is None:
            self._booster = self._trained(self._rounds)
        self._rounds += self._boost(self._booster, self._rounds)
        self._booster.eval_valid(feval=self._take_scores)

    def objective(self) -> float:
        return float(roc_auc_score(self._credit.validation.target, self._scores))

    def constraint(self) -> float:
        validation = self._credit.validation
        decision = self._scores >= self._credit.decision_threshold
        return self._eod(validation.target, decision, validation.sex)

    def remember(self) -> Remembered:
        return Remembered(self._rounds, self._scores.copy())

    def recall(self, remembered: Remembered) -> None:
        self._scores = remembered.scores

    def write_model(self, folder: Path) -> None:
        """Write scores and rounds; the trees are not worth a file, since training is deterministic."""
        np.savez(folder / "scores.npz", scores=self._scores, rounds=self._rounds)

    def read_model(self, folder: Path) -> None:
        """Bring the scores back; the trees are trained again when the trial goes on."""
        saved = np.load(folder / "scores.npz")
        self._scores, self._rounds = saved["scores"], int(saved["rounds"])
        self._booster = None

    def _trained(self, num_rounds: int) -> lgb.Booster:
        credit, parameters = self._credit, booster_parameters(self._config)
        train = lgb.Dataset(
            credit.train.features,
            credit.train.target,
            params=parameters,
            categorical_feature=list(credit.categorical),
        )
        validation = lgb.Dataset(
            credit.validation.features, credit.validation.target, params=parameters, reference=train
        )
        booster = lgb.Booster(parameters, train)
        booster.add_valid(validation, "validation")
        done = 0
        while done < num_rounds:
            done += self._boost(booster, done)
        return booster

    def _boost(self, booster: lgb.Booster, done: int) -> int:
        """Train the rounds of one iteration and return how many they are."""
        num_rounds = min(self._rounds_per_iteration, int(self._config["n_estimators"]) - done)
        for _ in range(num_rounds):
            if booster.update():
                break  # nothing is left to split; with other columns the next iteration may find something
        return num_rounds

    def _take_scores(self, scores: np.ndarray, _: lgb.Dataset) -> tuple[str, float, bool]:
        """LightGBM hands the validation scores, which it has already, to a metric of the user."""
        self._scores = np.array(scores)
        return "none", 0.0, True


def iterations_of(num_rounds: int, rounds_per_iteration: int) -> int:
    """Return how many iterations of ACE that many boosting rounds are."""
    return math.ceil(num_rounds / rounds_per_iteration)


def booster_parameters(config: dict[str, Any]) -> dict[str, Any]:
    """Return LightGBM's parameters of a configuration, for one thread and no output."""
    return {
        "objective": "binary",
        "metric": "None",
        "num_leaves": int(config["num_leaves"]),
        "min_child_samples": int(config["min_child_samples"]),
        "learning_rate": float(config["learning_rate"]),
        "max_bin": (1 << int(config["log_max_bin"])) - 1,
        "colsample_bytree": float(config["colsample_bytree"]),
        "reg_alpha": float(config["reg_alpha"]),
        "reg_lambda": float(config["reg_lambda"]),
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "verbose": -1,
    }
