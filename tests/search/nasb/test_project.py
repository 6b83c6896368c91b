"""The best genes within limits: those of trying all."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from search.nasb.project import Budget, best_feasible


def by_trying_all(scores: np.ndarray, budget: Budget) -> float:
    """The highest score within the budget, -inf where nothing is."""
    sums = [
        sum(scores[node, gene] for node, gene in enumerate(genes))
        for genes in product(range(scores.shape[1]), repeat=len(scores))
        if (budget.costs[:, np.arange(len(genes)), list(genes)].sum(axis=1) <= budget.limits).all()
    ]
    return max(sums, default=-np.inf)


@pytest.mark.parametrize("num_limits", [1, 2, 3])
@pytest.mark.parametrize("tightness", [0.02, 0.3, 0.6, 1.0])
def test_the_best_genes_are_those_of_trying_all(num_limits: int, tightness: float) -> None:
    rng = np.random.default_rng(num_limits)
    for _ in range(6):
        scores = rng.random((6, 3))
        costs = rng.random((num_limits, 6, 3)) * rng.integers(1, 100, size=(num_limits, 6, 1))
        least, most = costs.min(axis=2).sum(axis=1), costs.max(axis=2).sum(axis=1)
        budget = Budget(costs, least + tightness * (most - least))
        found = best_feasible(scores, budget)
        assert found is None or budget.holds(found)
        mine = -np.inf if found is None else sum(scores[node, gene] for node, gene in enumerate(found))
        assert mine == pytest.approx(by_trying_all(scores, budget))


def test_where_the_limits_allow_it_each_node_has_its_best_operation_and_the_first_of_equal_ones() -> None:
    budget = Budget(np.ones((1, 3, 3)), np.array([3.0]))
    assert best_feasible([[0.5, 0.5, 0.5], [0.1, 0.3, 0.2], [0.0, 0.2, 0.2]], budget) == (0, 1, 1)


def test_nothing_feasible_is_none() -> None:
    assert best_feasible(np.zeros((2, 2)), Budget(np.ones((1, 2, 2)), np.array([1.5]))) is None


def test_a_limit_that_is_met_exactly_holds() -> None:
    costs = np.full((1, 3, 2), 0.1)
    assert best_feasible(np.zeros((3, 2)), Budget(costs, np.array([0.3]))) == (0, 0, 0)  # 0.1 * 3 > 0.3


def test_equal_scores_are_no_maze() -> None:
    """With equal scores every path is as good: the search must not try all 387 million."""
    costs = np.tile(np.array([9.0, 1.0, 1.0]), (1, 18, 1)) * np.arange(1, 19)[None, :, None]
    budget = Budget(costs, np.array([0.5 * costs.max(axis=2).sum()]))
    found = best_feasible(np.full((18, 3), 0.5), budget)
    assert found is not None
    assert budget.holds(found)


def test_a_further_limit_is_a_further_cost() -> None:
    budget = Budget(np.ones((1, 2, 2)), np.array([2.0]))
    tighter = budget.also(np.array([[5.0, 1.0], [5.0, 1.0]]), 6.0)
    assert best_feasible([[0.9, 0.0], [0.8, 0.0]], budget) == (0, 0)
    assert best_feasible([[0.9, 0.0], [0.8, 0.0]], tighter) == (0, 1)
