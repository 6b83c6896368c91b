"""Several constraints: an order without weights that knows neither units nor the order of the constraints."""

import math
from itertools import permutations

import numpy as np
import pytest

from search.ace.options import AceOptions, Constraint
from search.ace.ranking import make_ranking
from search.ace.record import make_record
from search.ace.state import AceState
from search.ace.violation import TypicalViolations, order_key, violations


def test_violations():
    assert violations((0.2, 0.3, math.nan, math.inf), (0.25, 0.25, 1, 1)) == (
        0.0,
        pytest.approx(0.05),
        math.inf,
        math.inf,
    )


def test_one_constraint_is_its_own_key():
    assert order_key((0.3,), (7.0,)) == (0.3,)


def test_the_furthest_constraint_decides_then_the_next():
    typical = (1.0, 10.0)
    rows = [(0.5, 0.0), (0.5, 2.0), (0.0, 6.0), (2.0, 1.0)]
    assert sorted(rows, key=lambda row: order_key(row, typical)) == rows


def test_lowering_a_violation_never_lowers_a_place():
    rng = np.random.default_rng(3)
    for _ in range(200):
        row, typical = rng.exponential(size=3), tuple(rng.exponential(size=3))
        better = row.copy()
        better[rng.integers(3)] *= rng.random()
        assert order_key(tuple(better), typical) <= order_key(tuple(row), typical)


def test_typical_violation_is_the_median_of_positive_ones():
    typical = TypicalViolations(2)
    assert typical.values() == (1.0, 1.0)
    for row in [(1.0, 0.0), (3.0, 5.0), (1000.0, 0.0), (math.inf, 0.0), (2.0, 0.0)]:
        typical.add(row)
    assert typical.values() == (2.5, 5.0)
    typical.remove((1.0, 0.0))
    assert typical.values() == (3.0, 5.0)


def history(seed, num=120):
    """Rows (trial, iteration, loss, g of three constraints) with ties, satisfied constraints and failures."""
    rng = np.random.default_rng(seed)
    for number in range(num):
        g = rng.exponential(size=3) - 0.4
        g[rng.random(3) < 0.15] = 0.5
        g[rng.random(3) < 0.03] = math.nan
        yield f"{number}", int(rng.integers(1, 4)), float(rng.choice([0.1, 0.2, rng.random()])), g


def verdicts(seed, order, scale):
    """Keep or stop, for constraints in this order, each with its value in another unit."""
    constraints = tuple(Constraint(f"g{i}", 0.125 * scale[i]) for i in order)
    state = AceState(AceOptions("loss", "min", constraints))
    kept = []
    for trial, iteration, loss, g in history(seed):
        values = tuple(float(g[i] * scale[i]) for i in order)
        record = make_record(trial, iteration, loss=loss, g=values, options=state.options)
        kept.append(state.judge(state.add(record)))
    return [(verdict.keep, verdict.stratum, verdict.worse_or_equal) for verdict in kept]


@pytest.mark.parametrize("seed", range(6))
def test_neither_order_nor_unit_of_the_constraints_matters(seed):
    """Units change by powers of two, which floating point divides out exactly."""
    plain = verdicts(seed, (0, 1, 2), (1.0, 1.0, 1.0))
    assert not all(keep for keep, _, _ in plain)
    for order in permutations(range(3)):
        assert verdicts(seed, order, (1.0, 1.0, 1.0)) == plain
    assert verdicts(seed, (0, 1, 2), (2.0**20, 2.0**-9, 1.0)) == plain


@pytest.mark.parametrize("seed", range(4))
def test_a_constraint_that_always_holds_changes_nothing(seed):
    """Two constraints of which one is idle stop the same trials as Algorithm 3 with the other alone."""
    one = AceState(AceOptions("loss", "min", (Constraint("g", 0.125),)))
    two = AceState(AceOptions("loss", "min", (Constraint("g", 0.125), Constraint("idle", 1.0))))
    for trial, iteration, loss, g in history(seed):
        first = make_record(trial, iteration, loss=loss, g=(float(g[0]),), options=one.options)
        second = make_record(trial, iteration, loss=loss, g=(float(g[0]), 0.0), options=two.options)
        assert one.judge(one.add(first)) == two.judge(two.add(second))


@pytest.mark.parametrize("num_violations", [0, 1, 3])
def test_a_ranking_counts_as_a_sorted_list_does(num_violations):
    rng = np.random.default_rng(5)
    ranking, rows = make_ranking(num_violations), []
    typical = tuple(rng.exponential(size=num_violations).tolist())

    def key(row):
        return (*order_key(row[0], typical), row[1]) if num_violations else (row[1],)

    for step in range(200):
        if rows and rng.random() < 0.2:
            ranking.remove(*rows.pop(int(rng.integers(len(rows)))))
        row = (tuple(rng.integers(0, 3, num_violations).astype(float).tolist()), float(rng.integers(0, 4)))
        rows.append(row)
        ranking.add(*row)
        expected = sum(key(other) >= key(row) for other in rows) - 1
        assert ranking.worse_or_equal(*row, typical) == expected, step
        assert len(ranking) == len(rows)


def test_books_forget_a_replaced_violation():
    constraints = (Constraint("a", 0.0), Constraint("b", 0.0))
    plain, doubled = (AceState(AceOptions("loss", "min", constraints)) for _ in range(2))
    rows = [("x", 0.1, (1.0, 0.0)), ("y", 0.2, (0.0, 3.0)), ("z", 0.3, (2.0, 1.0)), ("w", 0.4, (9.0, 9.0))]
    for state, order in ((plain, rows), (doubled, [("z", 0.9, (500.0, 700.0)), *rows])):
        for trial, loss, g in order:
            verdict = state.judge(state.add(make_record(trial, 1, loss=loss, g=g, options=state.options)))
    assert not verdict.keep
    assert doubled.stops["w"] == plain.stops["w"]
    assert doubled.closest() == plain.closest()
