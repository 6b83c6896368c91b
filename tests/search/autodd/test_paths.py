"""Which path a step takes: drawn by itself, or fair to every operation; a number of the step alone."""

from __future__ import annotations

from collections import Counter

import pytest

from search.autodd.evolution import GeneSpace
from search.autodd.paths import FairPath, PathName, RandomPath, make_path

SPACE = GeneSpace((3,) * 18, cheapest=(1,) * 18)


def test_in_a_fair_round_every_operation_of_every_node_comes_once() -> None:
    path = FairPath(SPACE, seed=4)
    for turn in range(20):
        genes = [path.genes(3 * turn + place) for place in range(3)]
        assert all(sorted(node) == [0, 1, 2] for node in zip(*genes, strict=True))


def test_nodes_and_rounds_of_fair_paths_are_drawn_apart_from_each_other() -> None:
    path = FairPath(SPACE, seed=4)
    first = [path.genes(3 * turn) for turn in range(300)]
    assert len(set(first)) == 300
    for pair in ((0, 1), (3, 17)):
        met = Counter((genes[pair[0]], genes[pair[1]]) for genes in first)
        assert len(met) == 9
        assert min(met.values()) > 15  # 33 are expected, with a deviation of 5.4


def test_a_fair_round_is_as_long_as_all_alphabets_need() -> None:
    path = FairPath(GeneSpace((2, 3), cheapest=(0, 0)), seed=0)
    genes = [path.genes(step) for step in range(6)]
    assert Counter(gene for gene, _ in genes) == {0: 3, 1: 3}
    assert Counter(gene for _, gene in genes) == {0: 2, 1: 2, 2: 2}


@pytest.mark.parametrize(("name", "kind"), [("uniform", RandomPath), ("fair", FairPath)])
def test_a_path_follows_from_seed_and_step_alone(name: PathName, kind: type) -> None:
    path, again = make_path(name, SPACE, seed=7), make_path(name, SPACE, seed=7)
    assert isinstance(path, kind)
    backwards = [again.genes(step) for step in reversed(range(9))]
    assert [path.genes(step) for step in range(9)] == backwards[::-1]
    assert path.genes(0) != make_path(name, SPACE, seed=8).genes(0)
