"""How much faster sharing can make a generation, counted in multiply-adds: what no sharing can avoid.

Plain evaluation computes both networks for each candidate. Sharing cannot avoid the reconstructor once, and
each different prefix of genes once.
"""

from __future__ import annotations

from collections.abc import Sequence

from search.autodd.gene_trie import prefixes
from search.limits.cost import network_cost, node_costs
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes, NetworkSpec


class Operations:
    """Multiply-adds of one frame, in parts."""

    def __init__(self, width: int, size_hw: tuple[int, int]) -> None:
        uniform = [NetworkSpec("unet", (g,) * NUM_NODES, width, width) for g in range(len(OPERATION_NAMES))]
        self._nodes = [[cost.macs for cost in node_costs(spec, size_hw)] for spec in uniform]
        self._head = width * size_hw[0] * size_hw[1]
        self._reconstructor = network_cost(uniform[0], size_hw).macs - sum(self._nodes[0]) - self._head

    def plain(self, genes: Genes) -> int:
        """Return the operations of one candidate alone."""
        nodes = sum(self._nodes[gene][node] for node, gene in enumerate(genes))
        return self._reconstructor + nodes + self._head

    def unavoidable(self, population: Sequence[Genes]) -> int:
        """Return the operations of a generation with everything shared that can be."""
        steps = sum(self._nodes[prefix[-1]][len(prefix) - 1] for prefix in prefixes(population))
        return self._reconstructor + steps + self._head * len(population)

    def floor(self, population: Sequence[Genes]) -> float:
        """Return the highest speed-up that sharing can give."""
        return sum(map(self.plain, population)) / self.unavoidable(population)
