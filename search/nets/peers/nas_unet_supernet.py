"""NAS-UNet's search network: every edge runs all its operations, weighted.

Source: Weng et al. (2019); DARTS (ICLR 2019), first order.
Differs from the source: the down and up cell have normal operations of their own weights; BN as in
`nas_unet_operations`.

Shape letters:  B batch   C channels of a node   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.learnt_architecture import LearntArchitecture
from search.nets.peers.nas_unet import CellStack
from search.nets.peers.nas_unet_genotype import (
    CELL_KINDS,
    NUM_INPUTS,
    NUM_NODES,
    OPERATIONS,
    CellKind,
    EdgeKind,
    Genes,
    derive,
    numbered_edges,
)
from search.nets.peers.nas_unet_operations import make_edge_operation

WIDTH_PER_CHANNEL = 4  # w = 64: 16 channels a node, as the published search has
START_STD = 1e-3

EdgeWeights = Mapping[tuple[CellKind, EdgeKind], Tensor]


class Architecture(LearntArchitecture):
    """The architecture's parameters: for each kind of cell and of edge in it a matrix (edges, operations)."""

    def __init__(self, *, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.alphas = nn.ParameterDict()
        for cell in CELL_KINDS:
            kinds = [edge.kind for edge, _ in numbered_edges(cell)]
            for kind in dict.fromkeys(kinds):
                alpha = torch.randn(kinds.count(kind), len(OPERATIONS[kind]), generator=generator)
                self.alphas[f"{cell}/{kind}"] = nn.Parameter(START_STD * alpha)

    def weights(self) -> EdgeWeights:
        """Return the softmax over the operations of every edge."""
        found: dict[tuple[CellKind, EdgeKind], Tensor] = {}
        for cell in CELL_KINDS:
            for kind in dict.fromkeys(edge.kind for edge, _ in numbered_edges(cell)):
                found[cell, kind] = F.softmax(self.alphas[f"{cell}/{kind}"], dim=-1)
        return found

    def genes(self) -> Genes:
        """Derive the cells."""
        return derive({key: value.detach().double().cpu().numpy() for key, value in self.weights().items()})


class MixedCell(nn.Module):
    """A cell of all edges, each a weighted sum of all its operations."""

    def __init__(self, cell: CellKind, channels: int) -> None:
        super().__init__()
        self._cell = cell
        self._edges = numbered_edges(cell)
        self.operations = nn.ModuleList(
            nn.ModuleList(
                make_edge_operation(name, edge.kind, channels, is_mixed=True)
                for name in OPERATIONS[edge.kind]
            )
            for edge, _ in self._edges
        )

    def forward(self, first: Tensor, second: Tensor, weights: EdgeWeights) -> Tensor:
        states = [first, second]
        for node in range(NUM_INPUTS, NUM_INPUTS + NUM_NODES):
            mixed = [
                weight * operation(states[edge.source])
                for (edge, row), operations in zip(self._edges, self.operations, strict=True)
                if edge.node == node
                for weight, operation in zip(
                    weights[self._cell, edge.kind][row], _listed(operations), strict=True
                )
            ]
            states.append(torch.stack(mixed).sum(dim=0))
        return torch.cat(states[NUM_INPUTS:], dim=1)


class NasUNetSupernet(CellStack):
    """(B, in_channels, H, W) and the weights of the edges -> logits (B, 1, H, W)."""

    def __init__(self, *, width: int, in_channels: int = 3) -> None:
        super().__init__(
            max(1, width // WIDTH_PER_CHANNEL), MixedCell, in_channels=in_channels, is_mixed=True
        )

    def forward(self, x: Tensor, weights: EdgeWeights) -> Tensor:
        return self.run(x, lambda number, first, second: self.cells[number](first, second, weights))


class SearchedDetector(nn.Module):
    """The search network in a detector's place: reconstruction (or None) and logits, for given weights."""

    def __init__(self, reconstructor: nn.Module | None, segmenter: NasUNetSupernet) -> None:
        super().__init__()
        self.reconstructor = reconstructor
        self.segmenter = segmenter

    def forward(self, image: Tensor, weights: EdgeWeights) -> tuple[Tensor | None, Tensor]:
        if self.reconstructor is None:
            return None, self.segmenter(image, weights)
        reconstruction = self.reconstructor(image)
        return reconstruction, self.segmenter(torch.cat([reconstruction, image], dim=1), weights)


def _listed(operations: nn.Module) -> list[nn.Module]:
    assert isinstance(operations, nn.ModuleList)
    return list(operations)
