"""A race finds the best k that a whole evaluation would find, and shows nobody more than needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from search.autodd.race import Outcome, RacePlan, race
from search.nets.spec import Genes

NUM_ROUNDS = 6


class Course:
    """Made-up candidates whose bounds fall from round to round to their fitness."""

    def __init__(self, fitness: Sequence[float], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.population: list[Genes] = [(number,) for number in range(len(fitness))]
        self.fitness = dict(zip(self.population, fitness, strict=True))
        gaps = np.sort(rng.exponential(0.2, (len(fitness), NUM_ROUNDS)), axis=1)[:, ::-1]
        gaps[:, -1] = 0
        self._bounds = {
            genes: np.minimum(1.0, self.fitness[genes] + gap)
            for genes, gap in zip(self.population, gaps, strict=True)
        }
        self.seen = dict.fromkeys(self.population, 0)

    def advance(self, candidates: Sequence[Genes], to_round: int) -> Mapping[Genes, float]:
        assert len({self.seen[genes] for genes in candidates}) == 1
        assert all(self.seen[genes] < to_round for genes in candidates)
        self.seen.update(dict.fromkeys(candidates, to_round))
        return {genes: self.bound(genes, to_round) for genes in candidates}

    def bound(self, genes: Genes, rounds: int) -> float:
        return float(self._bounds[genes][rounds - 1])

    def run(self, *, together: int, top_k: int, known: Sequence[float] = ()) -> dict[Genes, Outcome]:
        plan = RacePlan(NUM_ROUNDS, together, top_k)
        return dict(zip(self.population, race(self.population, self.advance, plan, known=known), strict=True))


def random_course(seed: int, num: int = 20) -> Course:
    return Course(np.random.default_rng(seed).beta(2, 3, num).tolist(), seed)


@pytest.mark.parametrize("together", [1, 3, 5])
@pytest.mark.parametrize("known", [(), (0.5, 0.4, 0.3, 0.1), (0.9,) * 4])
def test_the_best_k_are_those_of_a_whole_evaluation(together: int, known: tuple[float, ...]) -> None:
    for seed in range(30):
        course, top_k = random_course(seed), 4
        outcomes = course.run(together=together, top_k=top_k, known=known)
        cut = sorted([*course.fitness.values(), *known], reverse=True)[top_k - 1]
        for genes, outcome in outcomes.items():
            assert outcome.fitness in (None, course.fitness[genes])
            assert outcome.bound >= course.fitness[genes]
            if course.fitness[genes] >= cut:
                assert outcome.fitness == course.fitness[genes]
        assert any(outcome.fitness is None for outcome in outcomes.values())


def test_nobody_sees_more_than_it_takes_to_show_that_it_is_none_of_the_best() -> None:
    for seed in range(30):
        course, top_k = random_course(seed), 4
        outcomes = course.run(together=1, top_k=top_k)
        cut = sorted(course.fitness.values(), reverse=True)[top_k - 1]
        for genes, outcome in outcomes.items():
            needed = (r for r in range(1, NUM_ROUNDS + 1) if course.bound(genes, r) < cut)
            assert outcome.rounds == next(needed, NUM_ROUNDS)


def test_what_the_best_of_earlier_generations_have_ends_candidates_at_once() -> None:
    course = Course([0.1, 0.2, 0.95], 0)
    outcomes = course.run(together=5, top_k=1, known=[0.9])
    assert [outcomes[genes].fitness for genes in course.population] == [None, None, 0.95]
    assert outcomes[0,].rounds < 5


def test_equal_candidates_at_the_edge_are_all_evaluated() -> None:
    course = Course([0.5] * 6, 0)
    assert all(outcome.fitness == 0.5 for outcome in course.run(together=1, top_k=2).values())


@pytest.mark.parametrize("num", [2, 4])
def test_fewer_candidates_than_places_are_all_evaluated(num: int) -> None:
    course = random_course(0, num)
    assert all(outcome.fitness is not None for outcome in course.run(together=2, top_k=4).values())


def test_without_dropping_everybody_is_evaluated_to_the_end() -> None:
    course = random_course(1)
    outcomes = course.run(together=NUM_ROUNDS, top_k=3, known=[0.99] * 3)
    assert {genes: outcome.fitness for genes, outcome in outcomes.items()} == course.fitness
    assert {outcome.rounds for outcome in outcomes.values()} == {NUM_ROUNDS}
