"""Neighbours in the order of a walk share most, and what is kept is what later ones go on from."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from search.autodd.gene_trie import prefixes, split, walk
from search.nets.spec import Genes


def population(seed: int, num: int = 30, length: int = 6) -> list[Genes]:
    rng = np.random.default_rng(seed)
    return [tuple(int(gene) for gene in rng.integers(3, size=length)) for _ in range(num)]


def test_a_walk_has_everybody_once() -> None:
    some = population(0)
    assert [leaf.genes for leaf in walk([*some, *some])] == sorted(set(some))


def test_steps_after_the_shared_ones_are_exactly_the_different_prefixes() -> None:
    for seed in range(10):
        some = population(seed)
        assert sum(len(leaf.genes) - leaf.shared for leaf in walk(some)) == len(prefixes(some))


def test_resumed_are_the_depths_that_later_candidates_come_back_to() -> None:
    for seed in range(10):
        leaves = walk(population(seed))
        for place, leaf in enumerate(leaves):
            later = leaves[place + 1 :]
            back = itertools.accumulate((other.shared for other in later), min)
            assert leaf.resumed == {depth for depth in back if depth > 0}


@pytest.mark.parametrize("num_parts", [1, 2, 3, 7])
def test_parts_are_neighbours_of_about_equal_work(num_parts: int) -> None:
    some = population(1)

    def work(genes: Genes) -> float:
        return 1 + genes.count(0)

    parts = split(some, work, num_parts)
    assert len(parts) == num_parts
    assert list(itertools.chain(*parts)) == sorted(set(some))
    sums = [sum(map(work, part)) for part in parts]
    assert max(sums) - min(sums) <= 2 * max(map(work, some))


def test_more_parts_than_candidates_leave_some_empty() -> None:
    parts = split([(0, 1), (1, 0)], lambda _: 1.0, 4)
    assert sorted(itertools.chain(*parts)) == [(0, 1), (1, 0)]
    assert len(parts) == 4
