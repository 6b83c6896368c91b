"""The books against the tables of the facts, and against a plain reading of Algorithm 3."""

import math
import random

import pytest

from search.ace.options import AceOptions, Constraint
from search.ace.record import Record, make_record
from search.ace.state import AceState
from search.ace.stratum import Stratum
from search.ace.summary import no_feasible_message

OPTIONS = AceOptions("loss", "min", (Constraint("g", 0.25),))


def enter(state, trial, iteration, loss, *g):
    return state.add(make_record(trial, iteration, loss=loss, g=g or None, options=state.options))


def judge(state, trial, iteration, loss, *g):
    return state.judge(enter(state, trial, iteration, loss, *g))


def test_no_constraint_table():
    state = AceState(OPTIONS)
    losses = [0.30, 0.50, 0.40, 0.45, 0.60, 0.35, 0.60, 0.55]
    verdicts = [judge(state, name, 1, loss) for name, loss in zip("abcdefgh", losses, strict=True)]
    assert [v.keep for v in verdicts] == [True] * 4 + [False] + [True] * 3
    assert [(v.size, v.quota, v.worse_or_equal) for v in verdicts] == [
        (1, 0, 0),
        (2, 0, 0),
        (3, 0, 1),
        (4, 1, 1),
        (5, 1, 0),
        (6, 1, 4),
        (7, 1, 1),
        (8, 2, 2),
    ]
    assert state.stops["e"].why == (
        "its objective is among the worst 1 of 5 reports of stratum no_constraint at iteration 1 "
        "(0 of the others are as bad or worse)"
    )


def test_ties_favour_the_reporter():
    state = AceState(OPTIONS)
    assert all(judge(state, str(i), 1, 0.5).keep for i in range(6))


def test_invalid_table():
    state = AceState(OPTIONS)
    rows = [
        ("a", 0.30, 0.30),
        ("b", 0.20, 0.40),
        ("c", 0.25, 0.40),
        ("d", 0.90, 0.26),
        ("e", 0.10, 0.50),
        ("f", 0.35, 0.40),
        ("g", 0.15, 0.40),
    ]
    assert [judge(state, name, 1, loss, g).keep for name, loss, g in rows] == [
        True,
        True,
        True,
        True,
        False,
        True,
        True,
    ]


def test_strata_and_best_feasible_table():
    state = AceState(OPTIONS)
    rows = [
        ("a", 1, 0.40, (0.20,), Stratum.VALID, 0.40),
        ("b", 1, 0.30, (0.30,), Stratum.INVALID, 0.40),
        ("c", 1, 0.45, (), Stratum.NO_CONSTRAINT, 0.40),
        ("d", 1, 0.35, (0.25,), Stratum.VALID, 0.35),
        ("e", 1, 0.20, (0.26,), Stratum.INVALID, 0.35),
        ("a", 2, 0.33, (0.24,), Stratum.VALID, 0.33),
    ]
    for trial, iteration, loss, g, stratum, best in rows:
        assert enter(state, trial, iteration, loss, *g).stratum is stratum
        assert state.standing().best_feasible_loss == best


def test_best_feasible_never_rises_when_reports_come_late():
    state = AceState(OPTIONS)
    enter(state, "a", 2, 0.2, 0.1)
    enter(state, "b", 1, 0.3, 0.1)
    assert state.best is not None
    assert (state.best.trial_id, state.best.loss) == ("a", 0.2)


def test_stopped_trials_stay_in_their_groups():
    state = AceState(OPTIONS)
    for name in "abcd":
        enter(state, name, 1, 0.1)
    assert not judge(state, "e", 1, 0.9).keep
    assert not judge(state, "f", 1, 1.0).keep
    assert judge(state, "g", 1, 0.9).keep  # e and f are as bad or worse


def test_groups_are_of_one_iteration():
    state = AceState(OPTIONS)
    for name in "abcd":
        enter(state, name, 1, 0.1)
    assert judge(state, "e", 2, 0.9).size == 1


def test_values_that_are_not_numbers_rank_last():
    state = AceState(OPTIONS)
    for name in "abc":
        enter(state, name, 1, 0.1, 0.5)
    worst = judge(state, "d", 1, 0.05, math.nan)
    assert (worst.stratum, worst.keep, worst.worse_or_equal) == (Stratum.INVALID, False, 0)
    for name in "abc":
        enter(state, name, 2, 0.1)
    diverged = enter(state, "d", 2, math.nan)
    assert diverged.loss == math.inf
    assert not state.judge(diverged).keep


def test_a_report_that_comes_twice_counts_once():
    plain, doubled = AceState(OPTIONS), AceState(OPTIONS)
    rows = [("a", 1, 0.3, 0.3), ("b", 1, 0.4, 0.2), ("c", 1, 0.5, 0.5), ("d", 1, 0.5, 0.4)]
    for row in rows:
        enter(plain, *row)
    enter(doubled, "c", 1, 0.9, 0.9)  # another result, before the restore
    for row in rows + rows:
        enter(doubled, *row)
    assert len(doubled) == len(plain) == 4
    assert doubled.standing() == plain.standing()
    assert judge(doubled, "e", 1, 0.1, 0.45) == judge(plain, "e", 1, 0.1, 0.45)


def test_a_repeated_iteration_that_skips_keeps_what_was_measured():
    state = AceState(OPTIONS)
    measured = enter(state, "a", 1, 0.3, 0.3)
    assert enter(state, "a", 1, 0.3) == measured
    assert state.course("a") == [measured]


def test_mean_constraint_cost():
    state = AceState(OPTIONS)
    assert state.standing().constraint_cost_s is None
    for trial, cost_s in [("a", 1.0), ("b", 3.0), ("b", 5.0)]:  # b comes again
        state.add(make_record(trial, 1, loss=0.1, g=(0.1,), options=OPTIONS, constraint_cost_s=cost_s))
    assert state.standing().constraint_cost_s == 3.0


def test_hard_stopping_ends_at_the_first_violation_and_truncates_the_rest():
    state = AceState(AceOptions("loss", "min", (Constraint("g", 0.25),), stopping="hard"))
    assert judge(state, "a", 1, 0.3, 0.2).keep
    assert not judge(state, "b", 1, 0.1, 0.26).keep
    assert state.stops["b"].why == "it violates a constraint at iteration 1"
    assert [judge(state, name, 1, loss).keep for name, loss in zip("cdef", [1, 2, 3, 4], strict=True)] == [
        True,
        True,
        True,
        False,
    ]


def test_no_stopping_stops_nothing():
    state = AceState(AceOptions("loss", "min", (Constraint("g", 0.25),), stopping="none"))
    assert all(judge(state, str(i), 1, float(i), 9.0).keep for i in range(20))


def test_geometric_spacing_judges_at_rungs_only():
    state = AceState(AceOptions("loss", "min", spacing="geometric", reduction_factor=4))
    stopped_at = [
        t for t in range(1, 20) if not [judge(state, str(i), t, float(i)).keep for i in range(4)][-1]
    ]
    assert stopped_at == [1, 4, 16]


@pytest.mark.parametrize("truncation", [0.03, 0.13, 0.25, 0.5, 0.75])
def test_truncation_percentages(truncation):
    """Losses that only grow: the reporter is the worst, and is stopped as soon as a place is given up."""
    state = AceState(AceOptions("loss", "min", truncation=truncation))
    keeps = [judge(state, str(i), 1, float(i)).keep for i in range(100)]
    assert keeps.index(False) + 1 == math.ceil(round(1 / truncation, 9))
    assert not any(keeps[keeps.index(False) :])


class NaiveAlgorithm3:
    """Algorithm 3 as printed, one constraint, with every list sorted anew: the reference."""

    def __init__(self, threshold: float, share: float) -> None:
        self.threshold, self.share = threshold, share
        self.history: list[tuple[str, int, float, float | None]] = []

    def is_stopped(self, trial: str, t: int, loss: float, g: float | None) -> bool:
        loss = math.inf if math.isnan(loss) else loss
        self.history.append((trial, t, loss, g))
        kind = self._kind(g)
        group = [row for row in self.history if row[1] == t and self._kind(row[3]) == kind]
        order = sorted(self._key(row) for row in group)  # best first
        own = self._key((trial, t, loss, g))
        as_bad_or_worse = sum(key >= own for key in order) - 1
        return as_bad_or_worse < math.floor(self.share * len(order) + 1e-9)

    def _kind(self, g: float | None) -> str:
        if g is None:
            return "no_constraint"
        return "valid" if g <= self.threshold else "invalid"

    def _key(self, row: tuple[str, int, float, float | None]) -> tuple[float, float]:
        violation = 0.0
        if self._kind(row[3]) == "invalid":
            assert row[3] is not None
            violation = math.inf if math.isnan(row[3]) else row[3] - self.threshold
        return (violation, row[2])


@pytest.mark.parametrize("seed", range(60))
def test_one_constraint_is_exactly_algorithm_3(seed):
    """Random histories with many ties, missing evaluations and values that are not numbers."""
    rng = random.Random(seed)
    threshold, share = rng.choice([0.0, 0.25, -1.5]), rng.choice([0.03, 0.13, 0.25, 0.5, 0.75])
    state = AceState(AceOptions("loss", "min", (Constraint("g", threshold),), truncation=share))
    naive = NaiveAlgorithm3(threshold, share)
    steps = [rng.uniform(0, 1) for _ in range(5)]
    for number in range(300):
        trial, t = f"{number}", rng.randint(1, 4)
        loss = rng.choice([*steps, rng.random(), math.nan])
        g = rng.choice([None, threshold, threshold + rng.choice(steps), threshold - 1.0, math.nan, math.inf])
        record = make_record(trial, t, loss=loss, g=None if g is None else (g,), options=state.options)
        assert state.judge(state.add(record)).keep is not naive.is_stopped(trial, t, loss, g), number


def test_message_names_the_closest_trial():
    options = AceOptions("auc", "max", (Constraint("eod", 0.25), Constraint("ms", 10.0)))
    state = AceState(options)
    enter(state, "a", 3, -0.9, 0.45, 9.0)
    enter(state, "b", 5, -0.8, 0.27, 10.5)
    enter(state, "c", 7, -0.95, 0.9, 90.0)
    message = no_feasible_message(state)
    assert message == (
        "no trial met eod <= 0.25, ms <= 10. The closest was trial b at iteration 5: eod = 0.27, ms = 10.5, "
        "auc = 0.8. Raise the limit, widen the search space or give a larger budget"
    )
    enter(state, "d", 1, -0.1, 0.2, 1.0)
    assert no_feasible_message(state) is None


def test_message_where_nothing_was_evaluated():
    state = AceState(OPTIONS)
    enter(state, "a", 1, 0.3)
    assert no_feasible_message(state) == (
        "no trial was evaluated against g <= 0.25 in 1 reports of 1 trials; give a larger budget, or "
        "interval='one'"
    )


def test_course_is_by_iteration():
    state = AceState(OPTIONS)
    for iteration in (2, 1, 3):
        enter(state, "a", iteration, 0.1 * iteration)
    assert [record.iteration for record in state.course("a")] == [1, 2, 3]
    assert state.course("unknown") == []
    assert state.trials() == ["a"]
    assert all(isinstance(record, Record) for record in state.records())
