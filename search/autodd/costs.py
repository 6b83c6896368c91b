"""What the genes of a space cost, without building a network for each.

Source: [D] Sec. 5.2.4 (M(N) is checked before a candidate is evaluated).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from inspector.latency import DeviceProfile
from search.autodd.evolution import GeneSpace
from search.limits.cost import NetworkCost, network_cost, node_costs
from search.limits.latency import LatencyTable
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes, NetworkSpec

_ALPHABETS = (len(OPERATION_NAMES),) * NUM_NODES


class Costs(Protocol):
    """The cost of any genes of one space at one input size."""

    def cost(self, genes: Genes) -> NetworkCost:
        """Return the exact parameters and multiply-adds of the network of `genes`, and its latency."""
        ...

    def lowest(self) -> NetworkCost:
        """Return the lowest value of each cost, which need not be of one network."""
        ...

    def gene_space(self, *, by_latency: bool = False) -> GeneSpace:
        """Describe the space for the evolution; `by_latency`: cheapest is what a device runs fastest."""
        ...


class CostTable:
    """The costs of the space `unet`: nodes add up.

    The table is measured on the three networks that have the same operation at every node.

    Args:
        profile: Of a device, for which latency is predicted too.
    """

    def __init__(
        self,
        *,
        width: int,
        reconstructor_width: int,
        size_hw: tuple[int, int],
        profile: DeviceProfile | None = None,
    ) -> None:
        uniform = [
            NetworkSpec("unet", (gene,) * NUM_NODES, width, reconstructor_width)
            for gene in range(len(OPERATION_NAMES))
        ]
        self._base = network_cost(uniform[0], size_hw)
        by_gene = [node_costs(spec, size_hw) for spec in uniform]
        self._extra = [
            [_difference(costs[node], by_gene[0][node]) for costs in by_gene] for node in range(NUM_NODES)
        ]
        self._latency: LatencyTable | None = None
        if profile is not None:
            self._latency = LatencyTable(
                width=width, reconstructor_width=reconstructor_width, size_hw=size_hw, profile=profile
            )

    def cost(self, genes: Genes) -> NetworkCost:
        """Return the exact parameters and multiply-adds of the network with `genes`, and its latency."""
        chosen = [extras[gene] for extras, gene in zip(self._extra, genes, strict=True)]
        return NetworkCost(
            params=self._base.params + sum(params for params, _ in chosen),
            macs=self._base.macs + sum(macs for _, macs in chosen),
            latency_ms=self._latency.ms(genes) if self._latency else None,
        )

    def lowest(self) -> NetworkCost:
        """Return the lowest value of each cost; the fastest network need not be the smallest."""
        smallest = self.cost(self._smallest())
        if self._latency is None:
            return smallest
        return replace(smallest, latency_ms=self._latency.ms(self._latency.fastest()))

    def gene_space(self, *, by_latency: bool = False) -> GeneSpace:
        """Describe the space for the evolution.

        The cheapest operation is the one with fewest parameters, or the fastest `by_latency`: on a GPU a
        depthwise convolution may well be slower than a dense one.
        """
        if by_latency and self._latency is not None:
            return GeneSpace(_ALPHABETS, cheapest=self._latency.fastest())
        return GeneSpace(_ALPHABETS, cheapest=self._smallest())

    def _smallest(self) -> Genes:
        return tuple(min(range(len(extras)), key=extras.__getitem__) for extras in self._extra)


@dataclass(frozen=True)
class StyledCosts:
    """The costs of `inner` with one gene more, the style of the defects, which costs nothing."""

    inner: Costs
    num_styles: int

    def cost(self, genes: Genes) -> NetworkCost:
        return self.inner.cost(genes[:-1])

    def lowest(self) -> NetworkCost:
        return self.inner.lowest()

    def gene_space(self, *, by_latency: bool = False) -> GeneSpace:
        inner = self.inner.gene_space(by_latency=by_latency)
        return GeneSpace((*inner.alphabets, self.num_styles), (*inner.cheapest, None))


def _difference(cost: NetworkCost, base: NetworkCost) -> tuple[int, int]:
    return cost.params - base.params, cost.macs - base.macs
