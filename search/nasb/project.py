"""The best genes within hard limits, given how good each operation of each node is: exact branch and bound.

Source: NASP's projection onto the feasible set; the bound is the Lagrangian dual of a knapsack with several
limits (Fisher, 1981).
Differs from the source: NASP has one limit, as a penalty; here all limits hold, and scores and costs add up
over nodes, so that the best genes are found and not approached.

Pure: numbers in, decision out; neither torch nor ray.

Shape letters:  N nodes   O operations   K limits
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Genes = tuple[int, ...]
Array = npt.NDArray[np.float64]
ROUNDING = 1e-9  # of a limit: sums of costs may differ in their last bits
_DUAL_STEPS = 100


@dataclass(frozen=True)
class Budget:
    """Costs that add up over nodes, and how much of each there is.

    costs: (K, N, O).
    limits: (K,).
    """

    costs: Array
    limits: Array

    def holds(self, genes: Genes) -> bool:
        """Return whether genes are within all limits."""
        spent = self.costs[:, np.arange(len(genes)), list(genes)].sum(axis=1)
        return bool((spent <= self.limits + ROUNDING * np.abs(self.limits)).all())

    def also(self, costs: Array, limit: float) -> Budget:
        """Return this budget with one limit more; `costs`: (N, O)."""
        return Budget(np.concatenate([self.costs, costs[None]]), np.append(self.limits, limit))


def best_feasible(scores: npt.ArrayLike, budget: Budget) -> Genes | None:
    """Return the genes of the highest sum of scores, (N, O), within a budget; None where none are.

    Of equal scores the first operation is taken, where the budget does not decide.

    >>> costs = np.array([[[9.0, 1.0], [9.0, 1.0]]])
    >>> best_feasible([[0.9, 0.1], [0.8, 0.7]], Budget(costs, np.array([10.0])))
    (0, 1)
    """
    table = np.asarray(scores, dtype=np.float64)
    wanted = tuple(int(operation) for operation in table.argmax(axis=1))
    if budget.holds(wanted):
        return wanted
    return _Search(table, budget).run()


class _Search:
    """Depth first through the nodes, the most promising operation first."""

    def __init__(self, scores: Array, budget: Budget) -> None:
        self._scores = scores
        # In units of the limits' spread, so that one step size suits parameters and milliseconds.
        spread = np.maximum(np.ptp(budget.costs, axis=2).sum(axis=1), 1e-30)
        self._costs = budget.costs / spread[:, None, None]
        self._limits = (budget.limits + ROUNDING * np.abs(budget.limits)) / spread
        self._prices = self._dual()
        self._worth = scores - np.tensordot(self._prices, self._costs, axes=1)
        self._order = list(np.argsort(-np.ptp(self._worth, axis=1), kind="stable"))
        self._choices = [list(np.argsort(-self._worth[node], kind="stable")) for node in self._order]
        self._above = _suffix_sums([self._worth[node].max() for node in self._order])
        self._least = _suffix_sums([self._costs[:, node].min(axis=1) for node in self._order])
        self._best_score = -np.inf
        self._best: Genes | None = None
        self._genes = [0] * len(scores)

    def run(self) -> Genes | None:
        self._descend(0, float(self._prices @ self._limits), np.zeros(len(self._limits)))
        return self._best

    def _descend(self, depth: int, worth: float, spent: Array) -> None:
        """Go on from the first `depth` nodes; `worth` + what can follow bounds the score of all below."""
        if worth + self._above[depth] <= self._best_score + 1e-12:
            return
        if (spent + self._least[depth] > self._limits).any():
            return
        if depth == len(self._order):
            self._take()
            return
        node = self._order[depth]
        for operation in self._choices[depth]:
            self._genes[node] = int(operation)
            cost = self._costs[:, node, operation]
            self._descend(depth + 1, worth + float(self._worth[node, operation]), spent + cost)

    def _take(self) -> None:
        score = float(sum(self._scores[node, gene] for node, gene in enumerate(self._genes)))
        if score > self._best_score:
            self._best_score, self._best = score, tuple(self._genes)

    def _dual(self) -> Array:
        """Return prices of the costs that make the bound low: projected subgradient descent."""
        prices = np.zeros(len(self._limits))
        best, lowest = prices, np.inf
        scale, nodes = float(np.ptp(self._scores)) or 1.0, np.arange(len(self._scores))
        for number in range(1, _DUAL_STEPS + 1):
            worth = self._scores - np.tensordot(prices, self._costs, axes=1)
            chosen = worth.argmax(axis=1)
            bound = float(worth.max(axis=1).sum() + prices @ self._limits)
            if bound < lowest:
                best, lowest = prices, bound
            over = self._costs[:, nodes, chosen].sum(axis=1) - self._limits
            size = float(np.linalg.norm(over)) or 1.0
            prices = np.maximum(prices + len(nodes) * scale / number * over / size, 0.0)
        return best


def _suffix_sums(values: list[Array]) -> list[Array]:
    """Return for each place the sum of what stands from there on, and 0 behind the last.

    >>> [float(total) for total in _suffix_sums([np.float64(1), np.float64(2)])]
    [3.0, 2.0, 0.0]
    """
    totals = [np.zeros_like(values[0])]
    for value in reversed(values):
        totals.append(totals[-1] + value)
    return totals[::-1]
