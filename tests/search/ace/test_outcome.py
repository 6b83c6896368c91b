"""What a tuning came to, from its lines alone."""

from __future__ import annotations

import pytest

from search.ace.measured import Line
from search.ace.options import AceOptions, Constraint
from search.ace.outcome import outcome_of

OPTIONS = AceOptions("auc", "max", (Constraint("eod", 0.25),))


def line(seconds: float, trial: str, iteration: int, objective: float, eod: float | None = None) -> Line:
    """A report, evaluated where `eod` is given."""
    evaluated = {} if eod is None else {"candidate": objective, "candidate_iteration": iteration}
    g = {} if eod is None else {"eod": eod}
    return Line(
        seconds, trial, iteration, objective, g=g, beta=1 if trial == "a" else 8, cost_ratio=2.0, **evaluated
    )


LINES = [
    line(1, "a", 1, 0.80, 0.30),
    line(2, "b", 1, 0.70, 0.20),
    line(3, "a", 2, 0.75, 0.25),
    line(4, "b", 2, 0.90),
    line(5, "b", 3, 0.74, 0.10),
    Line(6, "c", config={"x": 1}, error="out of memory"),
]


def test_the_history_holds_each_new_best_feasible_checkpoint():
    outcome = outcome_of(LINES, OPTIONS)
    assert [(found.seconds, found.trial, found.objective) for found in outcome.history] == [
        (2, "b", 0.70),
        (3, "a", 0.75),
    ]
    assert outcome.best_feasible == outcome.history[-1]
    assert (
        "best auc with eod <= 0.25: 0.75, trial a at iteration 2, after 3 s; 3 trials" in outcome.sentence()
    )


@pytest.mark.parametrize(("score", "seconds"), [(0.6, 2), (0.70, 2), (0.71, 3), (0.76, None)])
def test_the_time_to_a_score_is_when_something_feasible_was_as_good(score, seconds):
    assert outcome_of(LINES, OPTIONS).seconds_to(score) == seconds


def test_trials_carry_their_best_their_best_feasible_and_why_they_crashed():
    outcome = outcome_of(LINES, OPTIONS)
    a, b, c = outcome.trials
    assert (a.best, a.iterations, a.num_evaluations, a.beta) == (0.80, 2, 2, 1)
    assert b.best_feasible is not None
    assert (b.best, b.best_feasible.objective) == (0.90, 0.74)
    assert (c.error, c.best, c.config) == ("out of memory", None, {"x": 1})
    assert (outcome.num_failed, outcome.num_evaluations, outcome.seconds) == (1, 4, 6)
    assert outcome.share_of_beta_1() == 0.5
    assert outcome.median_cost_ratio() == 2.0


def test_where_nothing_is_feasible_the_closest_is_named():
    sentence = outcome_of([LINES[0], LINES[5]], OPTIONS).sentence()
    assert "nothing met eod <= 0.25 (2 trials in 6 s, 1 of them crashed)" in sentence
    assert "closest was trial a at iteration 1: eod = 0.3, auc = 0.8" in sentence


def test_where_nothing_was_evaluated_it_says_so():
    assert "no constraint was evaluated (1 trials in 4 s)" in outcome_of([LINES[3]], OPTIONS).sentence()


def test_a_loss_is_minimised():
    options = AceOptions("loss", "min", (Constraint("eod", 0.25),))
    assert [found.objective for found in outcome_of(LINES, options).history] == [0.70]


def test_an_unknown_constraint_value_is_not_feasible():
    unknown = Line(1, "a", 1, 0.9, candidate=0.9, candidate_iteration=1, g={"eod": None})
    outcome = outcome_of([unknown], OPTIONS)
    assert outcome.best_feasible is None
    assert outcome.closest is not None
