"""Which prefixes candidates share, and what a depth-first walk over them has to remember.

A candidate is a path from the root of a trie, a gene a step. What a step computes depends on the genes up to
it and on nothing else, so candidates with a common prefix need its steps once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from search.nets.spec import Genes


@dataclass(frozen=True)
class Leaf:
    """One candidate of a depth-first walk.

    shared: Leading genes that it has in common with the candidate before it.
    resumed: Depths that later candidates go on from: what is worth keeping, if there is room.
    """

    genes: Genes
    shared: int
    resumed: frozenset[int]


def walk(population: Sequence[Genes]) -> list[Leaf]:
    """Return the candidates, each once, in the order in which each shares most with the one before.

    >>> [(leaf.shared, sorted(leaf.resumed)) for leaf in walk([(0, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 0)])]
    [(0, [1]), (1, [2]), (2, []), (0, [])]
    """
    ordered = sorted(set(population))
    shared = [0, *(_common(a, b) for a, b in pairwise(ordered))]
    leaves: list[Leaf] = []
    resumed: frozenset[int] = frozenset()
    for place in reversed(range(len(ordered))):
        leaves.append(Leaf(ordered[place], shared[place], resumed))
        resumed = frozenset(depth for depth in (*resumed, shared[place]) if 0 < depth <= shared[place])
    return leaves[::-1]


def prefixes(population: Sequence[Genes]) -> set[Genes]:
    """Return every different prefix: the steps that no sharing can avoid."""
    return {genes[: depth + 1] for genes in population for depth in range(len(genes))}


def split(population: Sequence[Genes], work: Callable[[Genes], float], num_parts: int) -> list[list[Genes]]:
    """Cut the depth-first order into parts of about equal `work`: neighbours stay together, sharing survives.

    Parts may be empty, when there are fewer candidates than parts.
    """
    ordered = sorted(set(population))
    total = sum(map(work, ordered))
    parts: list[list[Genes]] = [[] for _ in range(num_parts)]
    before = 0.0
    for genes in ordered:
        middle = before + work(genes) / 2
        parts[min(num_parts - 1, int(num_parts * middle / total))].append(genes)
        before += work(genes)
    return parts


def _common(a: Genes, b: Genes) -> int:
    for depth, (x, y) in enumerate(zip(a, b, strict=True)):
        if x != y:
            return depth
    return len(a)
