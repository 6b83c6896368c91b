"""Which candidates are evaluated to the end: the others stay behind as soon as they cannot win.

A generation is evaluated in rounds of validation images, all candidates side by side at first. After each
round a candidate has a bound: its fitness is no higher. Then only those go on whose bound is among the k
highest; each round lowers the bounds of those that went on, and others may take their places. It ends when
the k highest bounds are all of finished candidates: they are the best k, with certainty, and no candidate has
seen more images than it took to show that it is none of them.

Everything here depends on bounds alone, not on times or on who computed what: any number of workers decides
the same.

Source: best-first search with an admissible bound (Hart, Nilsson and Raphael, 1968).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from search.nets.spec import Genes

ROUNDING = 1e-9  # bounds and fitness are sums in another order


class Advance(Protocol):
    def __call__(self, candidates: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        """Show candidates, all of which have seen the same rounds, the next ones; return their bounds.

        After the last round a bound is the fitness.
        """
        ...


@dataclass(frozen=True)
class RacePlan:
    """How a generation is evaluated.

    num_rounds: After which everything is seen.
    together: Rounds that all go side by side; `num_rounds`: everybody is evaluated to the end.
    top_k: The best that have to come out unchanged.
    """

    num_rounds: int
    together: int
    top_k: int


@dataclass(frozen=True)
class Outcome:
    """What became of a candidate.

    fitness: None when it was dropped.
    bound: Its fitness is at most this.
    rounds: How many it took part in.
    """

    fitness: float | None
    bound: float
    rounds: int


def race(
    population: Sequence[Genes], advance: Advance, plan: RacePlan, *, known: Collection[float] = ()
) -> list[Outcome]:
    """Evaluate a generation; returns an outcome for each candidate, in the order of `population`.

    Args:
        known: Fitness of candidates of earlier generations; at least that of the best `top_k`.
    """
    books = _Books(population, plan, advance, known)
    drops = plan.together < plan.num_rounds
    for to_round in range(1, plan.together + 1):
        books.run(books.above(books.known_cut(), population) if drops else population, to_round)
    while todo := books.above(books.cut(), population):
        for seen, group in groupby(sorted(todo, key=books.rounds.__getitem__), books.rounds.__getitem__):
            books.run(list(group), seen + 1)
    return [books.outcome(genes) for genes in population]


class _Books:
    def __init__(
        self, population: Sequence[Genes], plan: RacePlan, advance: Advance, known: Collection[float]
    ) -> None:
        self._plan, self._advance, self._known = plan, advance, list(known)
        self._bounds = dict.fromkeys(population, 1.0)
        self.rounds = dict.fromkeys(population, 0)

    def run(self, candidates: Sequence[Genes], to_round: int) -> None:
        if candidates:
            bounds = self._advance(candidates, to_round)
            self._bounds.update({genes: bounds[genes] for genes in candidates})
            self.rounds.update(dict.fromkeys(candidates, to_round))

    def known_cut(self) -> float:
        """Return what a candidate has to reach to be among the best k of earlier generations."""
        return self._kth(self._known)

    def cut(self) -> float:
        """Return the k-th highest bound of all; the k-th best fitness is no higher."""
        return self._kth([*self._known, *self._bounds.values()])

    def above(self, cut: float, candidates: Sequence[Genes]) -> list[Genes]:
        """Return those that are not finished and may still reach `cut`."""
        return [
            genes
            for genes in candidates
            if self.rounds[genes] < self._plan.num_rounds and self._bounds[genes] >= cut - ROUNDING
        ]

    def outcome(self, genes: Genes) -> Outcome:
        bound, rounds = self._bounds[genes], self.rounds[genes]
        return Outcome(bound if rounds == self._plan.num_rounds else None, bound, rounds)

    def _kth(self, values: Sequence[float]) -> float:
        k = self._plan.top_k
        return sorted(values, reverse=True)[k - 1] if len(values) >= k else float("-inf")
