"""What the mixed operations of a cell are weighted with, the same record for every search method.

Source: [D] Eq. 3.2, 3.5; PC-DARTS for the weights of edges.

Shape letters:  E edges of the cell, or of one node   O candidate operations
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from inspector.errors import InputError
from search.nets.cell.genotype import CellGenotype, Genotype
from search.nets.cell.space import NUM_INPUTS, OperationSet, cell_kinds, first_edge

Pair = tuple[int, int]  # number of the edge, number of the operation


@dataclass(frozen=True)
class CellWeights:
    """The weights of one cell, or of one node in it.

    Args:
        gates: (E, O), the weight of each operation on each edge; None where operations are added as they are.
        edges: (E,), the weight of each edge beside them (PC-DARTS); None: 1.
        active: The pairs that run, known on the CPU so that no device is waited for; None: all.
    """

    gates: Tensor | None = None
    edges: Tensor | None = None
    active: tuple[Pair, ...] | None = None

    def of_node(self, node: int) -> CellWeights:
        """Return the part of one node; its edges are numbered from 0, by their source."""
        first, last = first_edge(node), first_edge(node + 1)
        return CellWeights(
            gates=None if self.gates is None else self.gates[first:last],
            edges=None if self.edges is None else self.edges[first:last],
            active=None
            if self.active is None
            else tuple((edge - first, number) for edge, number in self.active if first <= edge < last),
        )


def path_weights(genotype: Genotype, operations: OperationSet, *, num_cells: int) -> list[CellWeights]:
    """Return for each cell of a supernet the weights with which it runs `genotype` alone, ungated.

    Raises:
        InputError: the genotype has an operation that is no candidate of `operations`.
    """
    kinds = cell_kinds(num_cells)
    cells = genotype.cells(num_cells)
    return [
        CellWeights(active=_pairs(cell, operations.of(kind))) for cell, kind in zip(cells, kinds, strict=True)
    ]


def _pairs(cell: CellGenotype, names: tuple[str, ...]) -> tuple[Pair, ...]:
    pairs = []
    for node, edges in enumerate(cell.nodes, start=NUM_INPUTS):
        for edge in edges:
            if edge.operation not in names:
                raise InputError(f"{edge.operation} is no candidate of this supernet ({', '.join(names)})")
            pairs.append((first_edge(node) + edge.source, names.index(edge.operation)))
    return tuple(pairs)
