"""Which genes to evaluate next: numbers in, decision out.

Source: [D] Algorithm 4.
Differs from the source: a child that was evaluated before is drawn again; after `max_tries` draws over the
limits a random candidate is made to fit by cheaper operations, so that a tight limit does not end the search.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Genes = tuple[int, ...]
IsFeasible = Callable[[Genes], bool]


@dataclass(frozen=True)
class GeneSpace:
    """How many values each gene has, and which of them is the cheapest.

    cheapest: None for a gene that costs nothing, such as the style of the defects.
    """

    alphabets: tuple[int, ...]
    cheapest: tuple[int | None, ...]


@dataclass(frozen=True)
class EvolutionPlan:
    """The numbers of [D] Algorithm 4."""

    population: int
    top_k: int
    crossover: int
    mutation: int
    mutation_probability: float
    max_tries: int


def rank(fitness: Mapping[Genes, float], size: Callable[[Genes], float]) -> list[Genes]:
    """Sort everything evaluated so far, best first; ties go to the smaller network, then to lower genes."""
    return sorted(fitness, key=lambda genes: (-fitness[genes], size(genes), genes))


def first_generation(
    space: GeneSpace, plan: EvolutionPlan, is_feasible: IsFeasible, rng: np.random.Generator
) -> list[Genes]:
    """Draw the initial population: different random genes within the limits (line 1).

    It is smaller than planned only where the space holds no more; empty where nothing is feasible.
    """
    return random_generation((), space, plan, is_feasible, rng)


def random_generation(
    seen: Collection[Genes],
    space: GeneSpace,
    plan: EvolutionPlan,
    is_feasible: IsFeasible,
    rng: np.random.Generator,
) -> list[Genes]:
    """Draw as many new candidates as a generation has, from nobody: random search ([D] Table 5.3)."""
    return _fill([], plan.population, set(seen), space, plan, is_feasible, rng)


def next_generation(
    parents: Sequence[Genes],
    seen: Collection[Genes],
    space: GeneSpace,
    plan: EvolutionPlan,
    is_feasible: IsFeasible,
    rng: np.random.Generator,
) -> list[Genes]:
    """Breed the next population from the top k (lines 4-6): crossover, mutation, random ones to fill up."""
    known = set(seen)
    children: list[Genes] = []

    def breed(count: int, make: Callable[[], Genes]) -> None:
        wanted = len(children) + count
        for _ in range(plan.max_tries):
            if len(children) >= wanted:
                return
            child = make()
            if child not in known and is_feasible(child):
                known.add(child)
                children.append(child)

    def pick() -> Genes:
        return parents[int(rng.integers(len(parents)))]

    breed(plan.crossover, lambda: crossover(pick(), pick(), rng))
    breed(plan.mutation, lambda: mutate(pick(), plan.mutation_probability, space.alphabets, rng))
    return _fill(children, plan.population, known, space, plan, is_feasible, rng)


def crossover(a: Genes, b: Genes, rng: np.random.Generator) -> Genes:
    """Take each gene from either parent with equal chance (line 4)."""
    from_a = rng.random(len(a)) < 0.5
    return tuple(int(x if pick else y) for x, y, pick in zip(a, b, from_a, strict=True))


def mutate(genes: Genes, probability: float, alphabets: Sequence[int], rng: np.random.Generator) -> Genes:
    """Change each gene to another of its values with `probability` (line 5); each has at least two."""
    changes = rng.random(len(genes)) < probability
    shifts = rng.integers(1, np.asarray(alphabets))
    return tuple(
        int((gene + shift) % num_values if change else gene)
        for gene, shift, change, num_values in zip(genes, shifts, changes, alphabets, strict=True)
    )


def random_genes(space: GeneSpace, rng: np.random.Generator) -> Genes:
    """Draw every gene uniformly."""
    return tuple(int(value) for value in rng.integers(np.asarray(space.alphabets)))


def _fill(
    children: list[Genes],
    count: int,
    known: set[Genes],
    space: GeneSpace,
    plan: EvolutionPlan,
    is_feasible: IsFeasible,
    rng: np.random.Generator,
) -> list[Genes]:
    while len(children) < count:
        genes = _new_random(known, space, plan, is_feasible, rng)
        if genes is None:
            break
        known.add(genes)
        children.append(genes)
    return children


def _new_random(
    known: Collection[Genes],
    space: GeneSpace,
    plan: EvolutionPlan,
    is_feasible: IsFeasible,
    rng: np.random.Generator,
) -> Genes | None:
    for _ in range(plan.max_tries):
        genes = random_genes(space, rng)
        if genes not in known and is_feasible(genes):
            return genes
    for _ in range(plan.max_tries):
        made_to_fit = _cheapen(random_genes(space, rng), space, is_feasible, rng)
        if made_to_fit is not None and made_to_fit not in known:
            return made_to_fit
    return None


def _cheapen(
    genes: Genes, space: GeneSpace, is_feasible: IsFeasible, rng: np.random.Generator
) -> Genes | None:
    """Give genes in random order their cheapest value until the network fits."""
    changed = list(genes)
    for place in rng.permutation(len(genes)):
        cheapest = space.cheapest[place]
        if cheapest is None:
            continue
        changed[place] = cheapest
        if is_feasible(tuple(changed)):
            return tuple(changed)
    return None
