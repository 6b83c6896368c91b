"""What a searcher is told of a finished trial."""

from __future__ import annotations

import math

import pytest

from search.ace.final_score import FinalScores
from search.ace.options import Constraint

EOD = Constraint("eod", 0.25)


@pytest.mark.parametrize(
    ("result", "value", "violation"),
    [
        ({"auc": 0.8, "ace/g/eod": 0.20}, 0.8, -0.05),
        ({"auc": 0.8, "ace/g/eod": 0.25}, 0.8, 0.0),
        ({"auc": 0.8, "ace/g/eod": 0.30}, 0.8, 0.05),
        (
            {"auc": 0.8, "ace/g/eod": 0.30, "ace/best_feasible": 0.7},
            0.7,
            0.0,
        ),  # that checkpoint
        ({"auc": 0.8}, 0.8, 1.0),  # never evaluated: not feasible
        ({"auc": 0.8, "ace/g/eod": math.nan}, 0.8, 1.0),
        ({"auc": 0.8, "ace/g/eod": 0.3, "ace/best_feasible": math.inf}, 0.8, 0.05),
    ],
)
def test_a_trial_counts_by_its_best_feasible_checkpoint_else_by_its_last(result, value, violation):
    score = FinalScores("auc", [EOD]).of(result)
    assert score is not None
    assert score.value == value
    assert score.violations["eod"] == pytest.approx(violation)


@pytest.mark.parametrize("result", [None, {}, {"auc": math.nan}, {"auc": None}, {"ace/g/eod": 0.1}])
def test_no_finite_objective_is_no_score(result):
    assert FinalScores("auc", [EOD]).of(result) is None


def test_a_trial_that_was_never_evaluated_counts_as_the_worst_seen():
    scores = FinalScores("auc", [EOD])
    for g in (0.35, 0.95, 0.45):
        scores.of({"auc": 0.8, "ace/g/eod": g})
    score = scores.of({"auc": 0.9})
    assert score is not None
    assert score.violations["eod"] == pytest.approx(0.7)


def test_several_constraints_are_read_by_name():
    score = FinalScores("auc", [EOD, Constraint("ms", 10.0)]).of(
        {"auc": 0.8, "ace/g/eod": 0.2, "ace/g/ms": 12.0}
    )
    assert score is not None
    assert score.violations == pytest.approx({"eod": -0.05, "ms": 2.0})
