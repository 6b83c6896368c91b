"""The nodes of the binary and the partial-channel methods; DARTS and SNAS take `DenseNode` as it is.

Source: [D] Eq. 3.5, 3.6; NASP; PC-DARTS.

Shape letters:  B batch   C channels of a node   H, W rows, columns   E edges of the node   O operations
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from search.nasb.gate import with_gate_gradients
from search.nets.cell.nodes import DenseNode, NodePlan, PathNode, total
from search.nets.cell.weights import CellWeights


class BinaryNode(PathNode):
    """NASB: only the active operations are in the graph; gradients of all gates are computed behind it."""

    def __init__(self, plan: NodePlan) -> None:
        super().__init__(plan)
        self._listed = [list(of_edge) for of_edge in self.candidates if isinstance(of_edge, nn.ModuleList)]

    def forward(self, inputs: Sequence[Tensor], weights: CellWeights) -> Tensor:
        output = super().forward(inputs, weights)
        if weights.gates is None:
            return output
        return with_gate_gradients(output, weights.gates, inputs, self._listed)


class ProximalNode(DenseNode):
    """NASP: all operations times their gates of 0 and 1 where gates learn, else the active ones alone."""

    def forward(self, inputs: Sequence[Tensor], weights: CellWeights) -> Tensor:
        if weights.gates is not None and weights.gates.requires_grad:
            return super().forward(inputs, weights)
        return PathNode.forward(self, inputs, weights)  # type: ignore[arg-type]


class PartialNode(DenseNode):
    """PC-DARTS: operations see one of `SHARE` channels; the others go round them, and all are shuffled."""

    SHARE = 4  # K of PC-DARTS on CIFAR-10

    def __init__(self, plan: NodePlan) -> None:
        self._seen = max(1, plan.channels // self.SHARE)
        super().__init__(replace(plan, channels=self._seen))
        self.round = nn.ModuleList(
            nn.MaxPool2d(2) if stride == 2 else nn.Identity() for stride in plan.strides
        )

    def forward(self, inputs: Sequence[Tensor], weights: CellWeights) -> Tensor:
        assert weights.gates is not None
        assert weights.edges is not None
        return total(
            weight * self._edge(edge, x, weights.gates[edge])
            for edge, (x, weight) in enumerate(zip(inputs, weights.edges, strict=True))
        )

    def _edge(self, edge: int, x: Tensor, gates: Tensor) -> Tensor:
        seen, others = x[:, : self._seen], x[:, self._seen :]
        mixed = total(self._mixed(edge, seen, gates))
        return shuffle_channels(torch.cat([mixed, self.round[edge](others)], dim=1), groups=self.SHARE)

    def _mixed(self, edge: int, x: Tensor, gates: Tensor) -> Iterator[Tensor]:
        for number, gate in enumerate(gates):
            yield gate * self.candidate(edge, number)(x)


def shuffle_channels(x: Tensor, *, groups: int) -> Tensor:
    """Deal the channels of (B, C, H, W) out to `groups` in turn; C must be a multiple of it."""
    batch, channels, height, width = x.shape
    dealt = x.view(batch, groups, channels // groups, height, width).transpose(1, 2)
    return dealt.reshape(batch, channels, height, width)
