"""The architecture's parameters A: a matrix (edges, operations) for each kind of cell, or for each cell.

Source: [D] Eq. 3.2, Sec. 3.3.5 (different cells); PC-DARTS for the parameters of edges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from search.nets.cell.space import NUM_NODES, CellKind, OperationSet, cell_kinds, num_edges
from search.nets.cell.weights import CellWeights

Start = Callable[[tuple[int, ...], torch.Generator], Tensor]
# What a search method makes of A (E, O) and the edges' parameters (E,) or None.
Relax = Callable[[Tensor, Tensor | None], CellWeights]


def normal_start(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """DARTS: small random numbers around 0."""
    return 1e-3 * torch.randn(shape, generator=generator)


def half_start(shape: tuple[int, ...], _generator: torch.Generator) -> Tensor:
    """NASP: every parameter is one half."""
    return torch.full(shape, 0.5)


class Architecture(nn.Module):
    """A of all cells: `normal` and `reduce` hold one matrix (E, O) each, or with `different` one a cell.

    Args:
        num_cells: Of the supernet.
        different: Each cell has a structure of its own.
        with_edges: There is also a parameter an edge, (E,), in `normal_edges` and `reduce_edges`.
    """

    def __init__(
        self,
        operations: OperationSet,
        *,
        num_cells: int,
        seed: int,
        num_nodes: int = NUM_NODES,
        different: bool = False,
        with_edges: bool = False,
        start: Start = normal_start,
    ) -> None:
        super().__init__()
        self.kinds = cell_kinds(num_cells)
        self.different = different
        generator = torch.Generator().manual_seed(seed)
        edges = num_edges(num_nodes)

        def make(kind: CellKind, *sizes: int) -> nn.ParameterList:
            count = self.kinds.count(kind) if different else 1
            return nn.ParameterList(nn.Parameter(start((edges, *sizes), generator)) for _ in range(count))

        self.normal = make("normal", len(operations.normal))
        self.reduce = make("reduce", len(operations.reduce))
        self.normal_edges = make("normal") if with_edges else nn.ParameterList()
        self.reduce_edges = make("reduce") if with_edges else nn.ParameterList()

    def matrices(self, kind: CellKind) -> list[nn.Parameter]:
        return list(self.normal if kind == "normal" else self.reduce)

    def edge_parameters(self, kind: CellKind) -> list[nn.Parameter] | list[None]:
        found = list(self.normal_edges if kind == "normal" else self.reduce_edges)
        return found or [None] * len(self.matrices(kind))

    def weights(self, relax: Relax) -> list[CellWeights]:
        """Return the weights of every cell; cells of one structure share one record."""
        made: dict[Literal["normal", "reduce"], list[CellWeights]] = {
            kind: [
                relax(matrix, edges)
                for matrix, edges in zip(self.matrices(kind), self.edge_parameters(kind), strict=True)
            ]
            for kind in ("normal", "reduce")
        }
        taken = {"normal": 0, "reduce": 0}
        weights = []
        for kind in self.kinds:
            weights.append(made[kind][taken[kind]])
            taken[kind] += self.different
        return weights
