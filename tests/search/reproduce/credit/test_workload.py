"""The LightGBM trial without Ray: what an iteration is, and that a checkpoint is a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from search.reproduce.credit.data import CreditData
from search.reproduce.credit.fairness import fairlearn_eod
from search.reproduce.credit.workload import INITIAL, CreditTrial, iterations_of, table_4_1

CONFIG = {**INITIAL, "n_estimators": 12, "num_leaves": 8, "colsample_bytree": 0.5}


def trial_of(
    credit: CreditData, config: dict[str, Any] | None = None, *, eod: str = "vectorised"
) -> CreditTrial:
    """A trial outside of Ray."""
    trial = CreditTrial.__new__(CreditTrial)
    trial.prepare(credit=credit, eod=eod, rounds_per_iteration=5)
    trial.build(config or CONFIG)
    return trial


@pytest.mark.parametrize(
    ("rounds", "a_round", "iterations"), [(4, 5, 1), (5, 5, 1), (6, 5, 2), (21000, 5, 4200)]
)
def test_iterations_are_whole(rounds, a_round, iterations):
    assert iterations_of(rounds, a_round) == iterations


def test_table_4_1_has_its_bounds_and_holds_the_initial_value():
    space = table_4_1(21000)
    bounds = {name: (domain.lower, domain.upper) for name, domain in space.items()}
    assert bounds["n_estimators"] == bounds["num_leaves"] == (4, 21001)
    assert bounds["min_child_samples"] == (2, 130)
    assert bounds["log_max_bin"] == (3, 12)
    assert bounds["learning_rate"] == (1 / 1024, 1.0)
    assert bounds["reg_alpha"] == bounds["reg_lambda"] == (1 / 1024, 1024.0)
    assert bounds["colsample_bytree"] == (0.01, 1.0)
    assert all(domain.is_valid(INITIAL[name]) for name, domain in space.items())


def test_the_last_iteration_trains_what_is_left(credit):
    trial = trial_of(credit)
    assert trial.total_iterations() == 3
    for rounds in (5, 10, 12):
        trial.train_one_iteration()
        assert trial.remember().rounds == rounds


def test_objective_and_constraint_are_those_of_the_validation_scores(credit):
    trial = trial_of(credit)
    assert trial.objective() == 0.5  # untrained: all scores are equal
    trial.train_one_iteration()
    scores, validation = trial.remember().scores, credit.validation
    assert trial.objective() == roc_auc_score(validation.target, scores)
    assert trial.objective() > 0.7
    decision = scores >= credit.train.target.mean()
    assert trial.constraint() == pytest.approx(fairlearn_eod(validation.target, decision, validation.sex))
    assert trial_of(credit, eod="fairlearn").constraint() == trial_of(credit).constraint()


def test_a_recalled_checkpoint_is_judged_as_it_was_and_training_goes_on_from_the_present(credit):
    trial, plain = trial_of(credit), trial_of(credit)
    trial.train_one_iteration()
    before = (trial.objective(), trial.constraint())
    kept = trial.remember()
    trial.train_one_iteration()
    present = trial.remember()
    trial.recall(kept)
    assert (trial.objective(), trial.constraint()) == before
    trial.recall(present)
    trial.train_one_iteration()
    for _ in range(3):
        plain.train_one_iteration()
    assert np.array_equal(trial.remember().scores, plain.remember().scores)


def test_a_restored_trial_ends_as_an_uninterrupted_one(credit, tmp_path: Path):
    whole, restored = trial_of(credit), trial_of(credit)
    whole.train_one_iteration()
    whole.write_model(tmp_path)
    restored.read_model(tmp_path)
    assert restored.objective() == whole.objective()
    for trial in (whole, restored):
        trial.train_one_iteration()
    assert np.array_equal(whole.remember().scores, restored.remember().scores)
