"""Algorithm 4 as rules: what is bred, from whom, and what never comes back."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from search.autodd.evolution import (
    EvolutionPlan,
    Genes,
    GeneSpace,
    crossover,
    first_generation,
    mutate,
    next_generation,
    random_genes,
    rank,
)

SPACE = GeneSpace(alphabets=(3,) * 18, cheapest=(1,) * 18)
PLAN = EvolutionPlan(
    population=50, top_k=10, crossover=25, mutation=25, mutation_probability=0.1, max_tries=1000
)


def anything(_genes: Genes) -> bool:
    return True


def num_expensive(genes: Genes) -> int:
    return sum(gene != 1 for gene in genes)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def small_plan(population: int, *, max_tries: int = 200) -> EvolutionPlan:
    return EvolutionPlan(
        population=population,
        top_k=2,
        crossover=population // 2,
        mutation=population // 2,
        mutation_probability=0.1,
        max_tries=max_tries,
    )


def test_the_same_seed_breeds_the_same_generations() -> None:
    def generations(seed: int) -> tuple[list[Genes], list[Genes]]:
        draw = rng(seed)
        first = first_generation(SPACE, PLAN, anything, draw)
        return first, next_generation(first[:10], first, SPACE, PLAN, anything, draw)

    assert generations(1) == generations(1)
    assert generations(1) != generations(2)


def test_published_runs_draw_the_same_genes_for_ever() -> None:
    """The digest was taken when every gene had the same number of values and draws took one bound."""
    draw = rng(7)
    seen = first_generation(SPACE, PLAN, lambda genes: num_expensive(genes) <= 9, draw)
    for _ in range(3):
        seen += next_generation(seen[:10], seen, SPACE, PLAN, lambda genes: num_expensive(genes) <= 9, draw)
    written = "\n".join("".join(map(str, genes)) for genes in seen)
    digest = hashlib.sha256(written.encode()).hexdigest()
    assert digest == "f1160d62b98c56891b3e0891602a5d548f4da532e8acc64e30d960a764985efa"


def test_every_gene_keeps_to_its_own_alphabet() -> None:
    mixed, draw = GeneSpace(alphabets=(3, 2, 5), cheapest=(1, 0, None)), rng()
    genes = np.array([random_genes(mixed, draw) for _ in range(500)])
    assert genes.max(axis=0).tolist() == [2, 1, 4]
    mutants = np.array([mutate((2, 1, 4), 1.0, mixed.alphabets, draw) for _ in range(500)])
    assert [sorted(set(column)) for column in mutants.T.tolist()] == [[0, 1], [0], [0, 1, 2, 3]]


def test_a_gene_that_costs_nothing_is_left_alone_when_a_candidate_is_made_to_fit() -> None:
    styled = GeneSpace(alphabets=(3,) * 8 + (4,), cheapest=(1,) * 8 + (None,))
    plan = small_plan(30, max_tries=50)
    first = first_generation(styled, plan, lambda genes: num_expensive(genes[:8]) == 0, rng())
    assert {genes[8] for genes in first} == {0, 1, 2, 3}


def test_a_population_is_full_and_nobody_comes_twice() -> None:
    draw = rng()
    seen: list[Genes] = first_generation(SPACE, PLAN, anything, draw)
    assert len(set(seen)) == PLAN.population
    for _ in range(5):
        children = next_generation(seen[:10], seen, SPACE, PLAN, anything, draw)
        assert len(children) == len(set(children)) == PLAN.population
        assert not set(children) & set(seen)
        seen += children


@pytest.mark.parametrize("limit", [18, 9, 4, 2])
def test_nothing_over_the_limit_is_ever_proposed_and_tight_limits_are_met(limit: int) -> None:
    def fits(genes: Genes) -> bool:
        return num_expensive(genes) <= limit

    draw, plan = rng(), small_plan(20)
    first = first_generation(SPACE, plan, fits, draw)
    children = next_generation(first[:2], first, SPACE, plan, fits, draw)
    assert len(first) == len(children) == plan.population
    assert all(fits(genes) for genes in first + children)


def test_a_random_draw_that_cannot_meet_the_limit_is_made_to_fit_by_cheaper_operations() -> None:
    # Two expensive nodes of 18 at random: 1 in about 600,000. The search still finds all it asked for.
    plan = small_plan(30, max_tries=100)
    first = first_generation(SPACE, plan, lambda genes: num_expensive(genes) <= 2, rng())
    assert len(set(first)) == 30
    assert {num_expensive(genes) for genes in first} <= {0, 1, 2}


def test_a_limit_that_nothing_meets_ends_with_nobody() -> None:
    assert first_generation(SPACE, small_plan(4, max_tries=50), lambda _: False, rng()) == []


def test_a_space_smaller_than_the_population_ends_with_all_of_it() -> None:
    tiny = GeneSpace(alphabets=(3, 3), cheapest=(1, 1))
    draw, plan = rng(), small_plan(50)
    first = first_generation(tiny, plan, anything, draw)
    assert sorted(first) == sorted(itertools.product(range(3), repeat=2))
    assert next_generation(first[:2], first, tiny, plan, anything, draw) == []


def test_the_only_network_within_the_limit_is_found() -> None:
    plan = small_plan(10, max_tries=20)
    only = first_generation(SPACE, plan, lambda genes: num_expensive(genes) == 0, rng())
    assert only == [SPACE.cheapest]
    assert next_generation(only, only, SPACE, plan, lambda g: num_expensive(g) == 0, rng()) == []


def test_the_best_come_first_out_of_all_that_were_evaluated() -> None:
    a, b, c = (0, 0), (0, 1), (1, 1)
    assert rank({a: 0.1, b: 0.9, c: 0.5}, lambda _: 0) == [b, c, a]


def test_ties_go_to_the_smaller_network_and_then_to_lower_genes() -> None:
    big, small, also_small = (0, 0), (1, 2), (2, 1)
    size: dict[Genes, float] = {big: 10.0, small: 5.0, also_small: 5.0}
    assert rank({big: 0.5, also_small: 0.5, small: 0.5}, size.__getitem__) == [small, also_small, big]


def test_crossover_takes_every_gene_from_one_of_the_parents_about_half_from_each() -> None:
    a, b = (0,) * 18, (2,) * 18
    children = np.array([crossover(a, b, rng(seed)) for seed in range(1000)])
    assert set(children.ravel()) == {0, 2}
    assert np.abs((children == 0).mean(axis=0) - 0.5).max() < 0.07  # 4.4 sigma of 1000 draws


def test_crossover_of_equal_parents_changes_nothing() -> None:
    parent = random_genes(SPACE, rng())
    assert crossover(parent, parent, rng()) == parent


@pytest.mark.parametrize("probability", [0.1, 0.5, 1.0])
def test_mutation_changes_each_gene_with_its_probability_to_any_other_value(probability: float) -> None:
    parent, draw = (0, 1, 2) * 6, rng()
    children = np.array([mutate(parent, probability, SPACE.alphabets, draw) for _ in range(2000)])
    changed = children != np.array(parent)
    sigma = np.sqrt(probability * (1 - probability) / changed.size)
    assert abs(changed.mean() - probability) <= 4 * sigma
    shifts = (children - np.array(parent))[changed] % 3
    assert set(shifts) == {1, 2}
    assert abs((shifts == 1).mean() - 0.5) < 0.05


def test_mutation_with_probability_0_changes_nothing() -> None:
    parent = random_genes(SPACE, rng())
    assert mutate(parent, 0.0, SPACE.alphabets, rng()) == parent


def test_random_genes_are_uniform() -> None:
    draw = rng()
    genes = np.array([random_genes(SPACE, draw) for _ in range(3000)])
    for value in range(3):
        assert np.abs((genes == value).mean(axis=0) - 1 / 3).max() < 0.04  # 4.6 sigma


def test_children_descend_from_the_parents_where_the_limits_allow() -> None:
    plan = EvolutionPlan(
        population=20, top_k=2, crossover=20, mutation=0, mutation_probability=0.1, max_tries=1000
    )
    a, b = (0,) * 18, (2,) * 18
    children = next_generation([a, b], [a, b], SPACE, plan, anything, rng())
    assert len(children) == 20
    assert set(itertools.chain(*children)) == {0, 2}
