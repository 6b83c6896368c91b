"""Expected trial cost and Theorem 2: the tables of the facts, Monte Carlo, brute force."""

import math

import numpy as np
import pytest

from search.ace.cost import best_interval, exact_cost, expected_cost, interval_threshold, printed_cost


@pytest.mark.parametrize(
    ("p", "T", "threshold"),
    [
        (0.5, 2, 1),
        (0.5, 4, 2.42857142857),
        (0.5, 8, 6.05511811024),
        (0.5, 16, 14.0004577776),
        (0.5, 21, 19.0000190735),
        (0.5, 22, 20.0000100136),
        (0.5, 64, 62),
        (0.25, 2, 0.333333333333),
        (0.25, 3, 0.523809523810),
        (0.25, 4, 0.729729729730),
        (0.25, 8, 1.692775469),
        (0.25, 9, 1.963334746),
        (0.25, 16, 4.06772230949),
        (0.25, 64, 20.0000002825),
        (0.25, 100, 32),
        (0.25, 1000, 332),
        (0.25, 21000, 6998.66666667),
        (0.03, 100, 2.21969545748),
        (0.13, 100, 13.7931186701),
        (0.01, 100, 0.586620694445),
    ],
)
def test_threshold(p, T, threshold):
    assert interval_threshold(stop_probability=p, iterations=T) == pytest.approx(threshold, rel=1e-9)


@pytest.mark.parametrize(
    ("p", "T", "threshold"),
    [(0.0, 10, 0.0), (1.0, 10, math.inf), (0.5, 1, math.inf), (0.0, 1, math.inf), (1.0, 1, math.inf)],
)
def test_degenerate_threshold(p, T, threshold):
    assert interval_threshold(stop_probability=p, iterations=T) == threshold


def test_threshold_of_a_tiny_stop_probability_keeps_its_digits():
    """pT + q^T - 1 cancels: plain arithmetic gives 0 here. The limit for p -> 0 is p T / 2."""
    assert interval_threshold(stop_probability=1e-9, iterations=10) == pytest.approx(5e-9, rel=1e-5)


@pytest.mark.parametrize(
    ("p", "T", "r", "beta", "cost_of_one", "cost_of_last"),
    [
        (0.5, 16, 13.9, 1, 29.799545, 29.9),
        (0.5, 16, 14.0, 1, 29.999542, 30),
        (0.5, 16, 14.0005, 16, 30.000542, 30.0005),
        (0.5, 16, 14.1, 16, 30.199539, 30.1),
        (0.5, 22, 20, 1, 41.99999, 42),
        (0.5, 21, 20, 21, 41.99998, 41),
        (0.25, 16, 1.94, 1, 11.642134, 17.94),
        (0.25, 16, 23.98, 16, 98.918542, 39.98),
        (0.25, 8, 1.94, 8, 10.582672, 9.94),
        (0.25, 9, 1.94, 1, 10.877004, 10.94),
        (0.25, 100, 23.98, 1, 99.92, 123.98),
        (0.25, 1, 5, 1, 6, 6),
    ],
)
def test_best_interval_and_both_costs(p, T, r, beta, cost_of_one, cost_of_last):
    case = {"stop_probability": p, "iterations": T, "cost_ratio": r}
    assert best_interval(**case) == beta
    assert expected_cost(**case, interval=1) == pytest.approx(cost_of_one, abs=1e-5)
    assert expected_cost(**case, interval=T) == pytest.approx(cost_of_last, abs=1e-5)


@pytest.mark.parametrize(("T", "beta"), [(75, 75), (76, 1)])
def test_best_interval_of_the_expensive_constraint(T, beta):
    assert best_interval(stop_probability=0.25, iterations=T, cost_ratio=23.98) == beta


@pytest.mark.parametrize(("p", "T", "beta"), [(0.0, 10, 10), (1.0, 10, 1), (0.25, 1, 1), (0.0, 1, 1)])
def test_best_interval_of_degenerate_cases(p, T, beta):
    assert best_interval(stop_probability=p, iterations=T, cost_ratio=5.0) == beta


def test_a_tie_gives_the_whole_trial():
    threshold = interval_threshold(stop_probability=0.5, iterations=64)
    assert best_interval(stop_probability=0.5, iterations=64, cost_ratio=threshold) == 64


@pytest.mark.parametrize(("r", "first"), [(0.1, 2), (1, 6), (1.94, 9), (23.98, 76)])
def test_first_length_that_is_checked_at_every_iteration(r, first):
    """From two iterations on: for T = 1 both ends are the same."""
    chosen = [
        T for T in range(2, 100) if best_interval(stop_probability=0.25, iterations=T, cost_ratio=r) == 1
    ]
    assert chosen[0] == first


@pytest.mark.parametrize(
    ("p", "T", "r", "beta", "cost"),
    [
        (0.5, 16, 14, 4, 33.75),
        (0.25, 16, 2, 1, 11.879729),
        (0.25, 16, 2, 2, 14.398193),
        (0.25, 16, 2, 4, 16.40625),
    ],
)
def test_all_forms_agree_where_the_interval_divides(p, T, r, beta, cost):
    case = {"stop_probability": p, "iterations": T, "cost_ratio": r, "interval": beta}
    assert expected_cost(**case) == pytest.approx(cost, abs=5e-6)
    assert printed_cost(**case) == pytest.approx(cost, abs=5e-6)
    assert exact_cost(**case) == pytest.approx(cost, abs=5e-6)


def test_the_printed_form_overcounts_where_the_interval_does_not_divide():
    case = {"stop_probability": 0.25, "iterations": 10, "cost_ratio": 2, "interval": 3}
    assert expected_cost(**case) == pytest.approx(12.334, abs=5e-4)
    assert printed_cost(**case) == pytest.approx(13.039, abs=5e-4)
    assert exact_cost(**case) == pytest.approx(12.828, abs=5e-4)


def test_costs_have_the_unit_of_the_primary_cost():
    case = {"stop_probability": 0.25, "iterations": 10, "cost_ratio": 2, "interval": 3}
    for cost in (expected_cost, printed_cost, exact_cost):
        assert cost(**case, primary_cost=3.0) == pytest.approx(3.0 * cost(**case))


@pytest.mark.parametrize(("p", "cost"), [(0.0, 30.0), (1.0, 6.0)])
def test_costs_of_trials_that_never_stop_or_stop_at_once(p, cost):
    """T = 20, beta = 4, r = 2: all five intervals, or the first alone."""
    case = {"stop_probability": p, "iterations": 20, "cost_ratio": 2, "interval": 4}
    assert [form(**case) for form in (expected_cost, printed_cost, exact_cost)] == [cost] * 3


@pytest.mark.parametrize(
    ("p", "T", "r", "beta"),
    [(0.5, 16, 14, 4), (0.25, 16, 2, 1), (0.25, 16, 2, 2), (0.25, 10, 2, 3), (0.1, 25, 7, 4)],
)
def test_expected_cost_agrees_with_simulated_trials(p, T, r, beta):
    """Pay an interval and an evaluation, then stop with probability p; within 4 standard errors."""
    rng = np.random.default_rng(7)
    ends = np.arange(beta, T + beta, beta).clip(max=T)
    paid = r * np.arange(1, len(ends) + 1) + ends
    stopped_after = np.minimum(rng.geometric(p, 100_000), len(ends))
    costs = paid[stopped_after - 1]
    error = costs.std() / math.sqrt(len(costs))
    expected = exact_cost(stop_probability=p, iterations=T, cost_ratio=r, interval=beta)
    assert abs(costs.mean() - expected) < 4 * error


def test_theorem_2_against_brute_force():
    """No interval 1..T, dividing T or not, is cheaper than the chosen one."""
    rng = np.random.default_rng(20)
    for _ in range(400):
        p, T, r = float(rng.uniform(0.005, 0.9)), int(rng.integers(1, 60)), float(10 ** rng.uniform(-2, 2.5))
        case = {"stop_probability": p, "iterations": T, "cost_ratio": r}
        best = best_interval(**case)
        costs = {beta: exact_cost(**case, interval=beta) for beta in range(1, T + 1)}
        assert best in (1, T)
        assert costs[best] <= min(costs.values()) * (1 + 1e-12), (p, T, r)


def test_both_ends_cost_the_same_at_the_threshold():
    for p, T in [(0.03, 100), (0.25, 16), (0.5, 21), (0.75, 5)]:
        r = interval_threshold(stop_probability=p, iterations=T)
        case = {"stop_probability": p, "iterations": T, "cost_ratio": r}
        assert expected_cost(**case, interval=1) == pytest.approx(expected_cost(**case, interval=T))
