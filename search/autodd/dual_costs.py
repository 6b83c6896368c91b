"""What the genes of the space `dual` cost: for each network, its nodes at each width add up.

Source: [D] Sec. 5.2.4 (M(N) is checked before a candidate is evaluated).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from inspector.latency import DeviceProfile
from search.autodd.evolution import GeneSpace
from search.limits.cost import NetworkCost, network_cost, on_meta
from search.limits.latency import predicted_ms
from search.limits.module_cost import module_costs
from search.nets.dual import DUAL_ALPHABETS, DualPath
from search.nets.spec import (
    NUM_NODES,
    NUM_RECONSTRUCTOR_NODES,
    OPERATION_NAMES,
    WIDTH_SHARES,
    Genes,
    NetworkSpec,
)

Figures = npt.NDArray[np.float64]  # (..., 3): parameters, multiply-adds, milliseconds
PARAMS, MACS, MS = range(3)


@dataclass(frozen=True)
class PartCosts:
    """The costs of one network at every width.

    nodes: (widths, nodes, operations, 3).  rest: (widths, 3), all that is no node.
    """

    nodes: Figures
    rest: Figures

    def of(self, operations: Genes, level: int) -> Figures:
        """Return (3,): the cost of these operations at a width."""
        nodes = self.nodes[level, np.arange(len(operations)), np.asarray(operations)]
        figures: Figures = self.rest[level] + nodes.sum(axis=0)
        return figures

    def lowest(self) -> Figures:
        """Return (3,): the lowest value of each figure."""
        figures: Figures = self._lowest_by_level().min(axis=0)
        return figures

    def cheapest(self, figure: int) -> tuple[Genes, int]:
        """Return the width and, at it, the operations with the lowest value of a figure."""
        level = int(self._lowest_by_level()[:, figure].argmin())
        return tuple(int(op) for op in self.nodes[level, :, :, figure].argmin(axis=1)), level

    def _lowest_by_level(self) -> Figures:
        figures: Figures = self.rest + self.nodes.min(axis=2).sum(axis=1)
        return figures


class DualCosts:
    """The exact cost of any genes, from one network for each width and operation.

    Args:
        width, reconstructor_width: The widest.
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
        self._has_latency = profile is not None
        specs = [
            [
                DualPath(level, (op,) * NUM_RECONSTRUCTOR_NODES, level, (op,) * NUM_NODES).spec(
                    width=width, reconstructor_width=reconstructor_width
                )
                for op in range(len(OPERATION_NAMES))
            ]
            for level in range(len(WIDTH_SHARES))
        ]
        parts = [[_measure(spec, size_hw, profile) for spec in by_op] for by_op in specs]
        self._segmenter = _part([[both[0] for both in by_op] for by_op in parts])
        self._reconstructor = _part([[both[1] for both in by_op] for by_op in parts])
        whole = network_cost(specs[0][0], size_hw)
        ms = 0.0 if profile is None else predicted_ms(specs[0][0], size_hw, profile)
        both = sum(figures[0] for figures in parts[0][0])
        self._rest = np.array([whole.params, whole.macs, ms]) - both

    def cost(self, genes: Genes) -> NetworkCost:
        """Return the parameters, multiply-adds and predicted latency of the network of `genes`."""
        path = DualPath.of(genes)
        return self._cost(
            self._segmenter.of(path.segmenter, path.segmenter_level)
            + self._reconstructor.of(path.reconstructor, path.reconstructor_level)
        )

    def lowest(self) -> NetworkCost:
        """Return the lowest value of each cost; the fastest network need not be the smallest."""
        return self._cost(self._segmenter.lowest() + self._reconstructor.lowest())

    def gene_space(self, *, by_latency: bool = False) -> GeneSpace:
        """Describe the space for the evolution; cheapest is smallest, or fastest `by_latency`."""
        figure = MS if by_latency and self._has_latency else PARAMS
        segmenter, segmenter_level = self._segmenter.cheapest(figure)
        reconstructor, reconstructor_level = self._reconstructor.cheapest(figure)
        cheapest = DualPath(reconstructor_level, reconstructor, segmenter_level, segmenter)
        return GeneSpace(DUAL_ALPHABETS, cheapest.genes)

    def _cost(self, parts: Figures) -> NetworkCost:
        params, macs, ms = self._rest + parts
        return NetworkCost(round(params), round(macs), float(ms) if self._has_latency else None)


def _measure(spec: NetworkSpec, size_hw: tuple[int, int], profile: DeviceProfile | None) -> list[Figures]:
    """Return, for the segmenter and the reconstructor, (1 + nodes, 3): the whole, then each node."""
    net, image = on_meta(spec, size_hw)
    measured = []
    for part in (net.segmenter, net.reconstructor):
        assert part is not None
        nodes = part.get_submodule("nodes")
        costs = module_costs(net, image, [part, *_children(nodes)], profile=profile)
        measured.append(np.array([[cost.params, cost.macs, cost.latency_ms or 0.0] for cost in costs]))
    return measured


def _children(nodes: nn.Module) -> list[nn.Module]:
    return list(nodes.children())


def _part(by_level: Sequence[Sequence[Figures]]) -> PartCosts:
    measured = np.array(by_level)  # (widths, operations, 1 + nodes, 3)
    nodes = measured[:, :, 1:].transpose(0, 2, 1, 3)
    rest = measured[:, 0, 0] - nodes[:, :, 0].sum(axis=1)
    return PartCosts(nodes, rest)
