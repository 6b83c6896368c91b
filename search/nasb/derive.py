"""The genotype that a search ends with: each edge's strongest operation, each node's two strongest edges.

Source: [D] Sec. 3.2.1; DARTS.
Differs from the source: nothing; `none` is never derived.
"""

from __future__ import annotations

import torch

from search.nasb.binarize import Pair, binarize, cell_rows
from search.nasb.methods import Method
from search.nets.cell.architecture import Architecture
from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype
from search.nets.cell.space import CellKind, OperationSet


def derive(architecture: Architecture, method: Method, operations: OperationSet) -> Genotype:
    """Return the genotype of A as it is: one cell of each kind, or one for each cell of the supernet.

    Raises:
        ValueError: A holds something that is no finite number.
    """
    return Genotype(
        normal=_cells(architecture, method, "normal", operations.normal),
        reduce=_cells(architecture, method, "reduce", operations.reduce),
    )


@torch.no_grad()
def _cells(
    architecture: Architecture, method: Method, kind: CellKind, names: tuple[str, ...]
) -> tuple[CellGenotype, ...]:
    excluded = [number for number, name in enumerate(names) if name == "none"]
    cells = []
    for matrix, edges in zip(architecture.matrices(kind), architecture.edge_parameters(kind), strict=True):
        strengths = method.strengths(matrix, edges).double().cpu().numpy()
        rows = cell_rows(len(strengths))
        cells.append(_cell(binarize(strengths, rows, excluded=excluded), rows, names))
    return tuple(cells)


def _cell(pairs: tuple[Pair, ...], rows_of_nodes: list[range], names: tuple[str, ...]) -> CellGenotype:
    return CellGenotype(
        tuple(
            tuple(ChosenEdge(names[number], edge - rows.start) for edge, number in pairs if edge in rows)
            for rows in rows_of_nodes
        )
    )
