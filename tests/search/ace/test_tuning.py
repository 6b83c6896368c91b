"""A whole tuning under each kind of policy, and every way in which one can go wrong."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from inspector.errors import TrainingError
from search.ace.measured import Line, append_line
from search.ace.options import Constraint
from search.ace.outcome import TuningOutcome
from search.ace.policies import make_policy
from search.ace.searchers import make_searcher
from search.ace.tuning import TuningFolder, run_tuning
from tests.search.ace.curve import curve_trainable

# Ray's own: it closes sockets and files when it is collected, and reads pandas' old option.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
]

LONG_S = 600.0  # a budget that max_trials ends
CURVES = [
    {"objective": [0.5, 0.9, 0.6], "constraint": [0.1, 0.4, 0.1]},  # its best checkpoint violates
    {"objective": [0.5, 0.6, 0.8], "constraint": [0.5, 0.4, 0.3]},  # violates all the way
    {"objective": [0.4, 0.7, 0.6], "constraint": [0.4, 0.2, 0.4]},  # its best checkpoint is feasible
    {"objective": [0.3, 0.3, 0.3], "constraint": [0.1, 0.1, 0.1]},  # poor and feasible
]


def tune_curves(
    folder: Path, name: str, curves: Sequence[dict[str, Any]] = CURVES, **options: Any
) -> TuningOutcome:
    """Tune with one trial a curve, one at a time."""
    from ray import tune

    constraints = [Constraint("eod", 0.25)]
    policy = make_policy(name, metric="auc", mode="max", constraints=constraints, max_iterations=3)
    searcher = make_searcher(
        "random", {"number": tune.uniform(0, 1)}, metric="auc", mode="max", constraints=constraints, seed=20
    )
    numbers = iter(curves)
    searcher._draw = lambda number: {"curve": next(numbers, curves[-1])}  # type: ignore[attr-defined]
    chosen = {"budget_s": LONG_S, "slots": 1, "max_trials": len(curves), **options}
    return run_tuning(curve_trainable(), policy, searcher, folder=folder, **chosen)


@pytest.fixture(autouse=True)
def _rays_files() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # Ray leaves the files of ended trials open
        gc.collect()


def evaluated(outcome: TuningOutcome) -> list[tuple[float, float]]:
    """(objective, constraint) of every evaluation, in the order of time."""
    lines = [line for trial in outcome.trials for line in trial.lines if line.candidate is not None]
    lines.sort(key=lambda line: line.seconds)
    return [(line.candidate or 0.0, line.g["eod"] or 0.0) for line in lines]


def test_without_a_callback_the_best_trials_are_evaluated_afterwards(ray_session, tmp_path: Path):
    """From the best checkpoint of the best trial down, until one is feasible; the time counts."""
    outcome = tune_curves(tmp_path, "no_stopping")
    assert evaluated(outcome) == [(0.9, 0.4), (0.8, 0.3), (0.7, 0.2)]
    best = outcome.best_feasible
    assert best is not None
    assert (best.objective, best.iteration) == (0.7, 2)
    assert best.seconds > max(line.seconds for t in outcome.trials for line in t.lines if not line.afterwards)


def test_with_a_callback_each_trial_is_evaluated_at_its_end(ray_session, tmp_path: Path):
    outcome = tune_curves(tmp_path, "no_stopping_callback")
    assert evaluated(outcome) == [(0.9, 0.4), (0.8, 0.3), (0.7, 0.2), (0.3, 0.1)]
    assert [trial.iterations for trial in outcome.trials] == [3, 3, 3, 3]


def test_a_trial_that_asha_stops_is_evaluated_too(ray_session, tmp_path: Path):
    """ASHA's only rung here is at 1: the first trial goes on, a worse one after it is stopped."""
    outcome = tune_curves(tmp_path, "asha_callback", [{**curve, "total": 40} for curve in CURVES])
    assert len(evaluated(outcome)) == 4
    poor = outcome.trials[3]
    assert poor.iterations < 40
    assert poor.num_evaluations == 1
    assert outcome.best_feasible is not None


def test_ace_evaluates_during_training_and_only_what_can_become_the_best(ray_session, tmp_path: Path):
    outcome = tune_curves(tmp_path, "ace_beta_1")
    assert evaluated(outcome) == [
        *[(0.5, 0.1), (0.9, 0.4), (0.6, 0.1)],
        *[(0.6, 0.4), (0.8, 0.3)],
        (0.7, 0.2),
    ]
    assert outcome.best_feasible is not None
    assert outcome.best_feasible.objective == 0.7
    assert [found.objective for found in outcome.history] == [0.5, 0.6, 0.7]


def test_the_budget_ends_a_trial_and_its_best_checkpoint_is_judged(ray_session, tmp_path: Path):
    """Its first checkpoint is its best, so that the machine's speed does not matter."""
    endless = {"objective": [0.7, 0.6], "constraint": [0.2, 0.4], "pause_s": 0.1, "total": 100_000}
    outcome = tune_curves(tmp_path, "no_stopping_callback", [endless], budget_s=3.0, max_trials=None)
    assert outcome.trials[0].iterations < 100_000
    assert evaluated(outcome)[0] == (0.7, 0.2)
    assert outcome.best_feasible is not None


def test_nothing_feasible_is_said_with_the_closest(ray_session, tmp_path: Path):
    outcome = tune_curves(tmp_path, "ace_beta_1", CURVES[1:2])
    assert outcome.best_feasible is None
    assert "nothing met eod <= 0.25" in outcome.sentence()
    assert "eod = 0.3, auc = 0.8" in outcome.sentence()


def test_a_budget_that_is_too_short_for_anything_says_so(ray_session, tmp_path: Path):
    with pytest.raises(TrainingError, match="no trial finished an iteration within 0 s"):
        tune_curves(tmp_path, "ace", budget_s=0.0)


def test_a_finished_folder_is_read_and_not_run_again(tmp_path: Path):
    where = TuningFolder(tmp_path)
    append_line(where.log, Line(1.0, "a", 1, 0.5, candidate=0.5, candidate_iteration=1, g={"eod": 0.1}))
    where.finished.write_text(json.dumps({"seconds": 1.0}))
    outcome = tune_curves(tmp_path, "ace")
    assert outcome.best_feasible is not None
    assert outcome.best_feasible.trial == "a"
