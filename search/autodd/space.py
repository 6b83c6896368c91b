"""The space `unet`: 18 nodes of three operations, and what each candidate costs.

Source: [D] Sec. 5.2.3; design.md, "Genes".
"""

from __future__ import annotations

from search.autodd.evolution import GeneSpace
from search.limits.cost import NetworkCost, network_cost, node_costs
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes, NetworkSpec

SPACE_NAME = "unet"


class CostTable:
    """The cost of any genes without building their network: nodes add up.

    The table is measured on the three networks that have the same operation at every node.
    """

    def __init__(self, *, width: int, reconstructor_width: int, size_hw: tuple[int, int]) -> None:
        uniform = [
            NetworkSpec("unet", (gene,) * NUM_NODES, width, reconstructor_width)
            for gene in range(len(OPERATION_NAMES))
        ]
        self._base = network_cost(uniform[0], size_hw)
        by_gene = [node_costs(spec, size_hw) for spec in uniform]
        self._extra = [
            [_difference(costs[node], by_gene[0][node]) for costs in by_gene] for node in range(NUM_NODES)
        ]

    def cost(self, genes: Genes) -> NetworkCost:
        """Return the exact parameters and multiply-adds of the network with `genes`."""
        chosen = [extras[gene] for extras, gene in zip(self._extra, genes, strict=True)]
        return NetworkCost(
            params=self._base.params + sum(params for params, _ in chosen),
            macs=self._base.macs + sum(macs for _, macs in chosen),
        )

    def gene_space(self) -> GeneSpace:
        """Describe the space for the evolution; the cheapest operation is the one with fewest parameters."""
        cheapest = tuple(min(range(len(extras)), key=extras.__getitem__) for extras in self._extra)
        return GeneSpace(num_genes=NUM_NODES, num_values=len(OPERATION_NAMES), cheapest=cheapest)


def _difference(cost: NetworkCost, base: NetworkCost) -> tuple[int, int]:
    return cost.params - base.params, cost.macs - base.macs
