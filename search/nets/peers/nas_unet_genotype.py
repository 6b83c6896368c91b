"""What NAS-UNet's cells are made of: edges, operations, genes, and how genes follow from weights.

Source: Weng et al. (2019) and its published code; [D] Sec. 5.3.1 and 5.4 (two inputs, three nodes).
Differs from the source: the shuffled convolution, which in the published code is the plain one, is left out.

A cell has two inputs, states 0 and 1, and three nodes, states 2 to 4; an edge leads from a state to a later
node. An edge that changes the resolution halves it in the down cell (from both inputs) and doubles it in the
up cell (from input 1; input 0 is the skip).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

Genes = tuple[int, ...]
CellKind = Literal["down", "up"]
EdgeKind = Literal["down", "up", "normal"]

NUM_INPUTS, NUM_NODES = 2, 3
NUM_KEPT = 2  # edges that lead to each node of a derived cell
CELL_KINDS: tuple[CellKind, ...] = get_args(CellKind)
NUM_GENES = len(CELL_KINDS) * NUM_NODES * NUM_KEPT * 2
OPERATIONS: dict[EdgeKind, tuple[str, ...]] = {
    "down": ("avg_pool", "max_pool", "cweight", "dil_conv", "dep_conv", "conv"),
    "up": ("cweight", "dep_conv", "conv", "dil_conv"),
    "normal": ("none", "identity", "cweight", "dil_conv", "dep_conv", "conv"),
}

Weights = Mapping[tuple[CellKind, EdgeKind], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Edge:
    """From state `source` to node `node`, counted as states: 2, 3, 4."""

    source: int
    node: int
    kind: EdgeKind


def edges(cell: CellKind) -> tuple[Edge, ...]:
    """Return all edges of a cell, those of its first node first.

    >>> [edge.kind for edge in edges("up")][:5]
    ['normal', 'up', 'normal', 'up', 'normal']
    """
    scaling = {"down": (0, 1), "up": (1,)}[cell]
    return tuple(
        Edge(source, node, cell if source in scaling else "normal")
        for node in range(NUM_INPUTS, NUM_INPUTS + NUM_NODES)
        for source in range(node)
    )


@dataclass(frozen=True)
class ChosenEdge:
    """An edge of a derived cell and the name of its operation."""

    edge: Edge
    operation: str


def derive(weights: Weights) -> Genes:
    """Return the genes of the strongest edges.

    Every edge takes its strongest operation, `none` left out, and every node keeps its two strongest edges.
    Edges with different numbers of operations compare by how far a weight is above 1 / number.

    Args:
        weights: For each kind of cell and of edge in it a softmax over operations, (edges, operations).
    """
    genes: list[int] = []
    for cell in CELL_KINDS:
        ranked = [
            (*_strongest(edge.kind, weights[cell, edge.kind][row]), edge)
            for edge, row in numbered_edges(cell)
        ]
        for node in range(NUM_INPUTS, NUM_INPUTS + NUM_NODES):
            into = sorted((item for item in ranked if item[2].node == node), key=lambda item: -item[0])
            for _, operation, edge in sorted(into[:NUM_KEPT], key=lambda item: item[2].source):
                genes += [edge.source, operation]
    return tuple(genes)


def read_genes(genes: Genes) -> dict[CellKind, tuple[ChosenEdge, ...]]:
    """Return the edges of both cells: for each node two times (source, operation), the down cell's first.

    Raises:
        ValueError: another number of genes, a source that is no earlier state, an unknown operation, `none`,
            or two edges from one source.
    """
    if len(genes) != NUM_GENES:
        raise ValueError(f"has {len(genes)} digits, but a nas_unet has {NUM_GENES}")
    pairs = [(genes[i], genes[i + 1]) for i in range(0, NUM_GENES, 2)]
    per_cell = NUM_NODES * NUM_KEPT
    chosen = {}
    for number, cell in enumerate(CELL_KINDS):
        of_cell = pairs[number * per_cell : (number + 1) * per_cell]
        chosen[cell] = tuple(
            _chosen(cell, NUM_INPUTS + place // NUM_KEPT, source, operation)
            for place, (source, operation) in enumerate(of_cell)
        )
        for first, second in zip(chosen[cell][::2], chosen[cell][1::2], strict=True):
            if first.edge.source == second.edge.source:
                raise ValueError(f"node {first.edge.node} of the {cell} cell has one input twice")
    return chosen


def _chosen(cell: CellKind, node: int, source: int, operation: int) -> ChosenEdge:
    where = f"node {node} of the {cell} cell"
    edge = next((edge for edge in edges(cell) if (edge.source, edge.node) == (source, node)), None)
    if edge is None:
        raise ValueError(f"{where} has the input {source}, but it is 0 to {node - 1}")
    names = OPERATIONS[edge.kind]
    if operation >= len(names) or names[operation] == "none":
        allowed = ", ".join(f"{i} {name}" for i, name in enumerate(names) if name != "none")
        raise ValueError(f"{where} has the operation {operation} on input {source}; it may be {allowed}")
    return ChosenEdge(edge, names[operation])


def numbered_edges(cell: CellKind) -> list[tuple[Edge, int]]:
    """Return the edges of a cell, each with its row in the weights of its kind."""
    seen: dict[EdgeKind, int] = {}
    numbered = []
    for edge in edges(cell):
        row = seen.get(edge.kind, 0)
        seen[edge.kind] = row + 1
        numbered.append((edge, row))
    return numbered


def _strongest(kind: EdgeKind, weights: npt.NDArray[np.float64]) -> tuple[float, int]:
    """Return how strong the best operation of an edge is, and which it is; `none` takes no part."""
    allowed = [number for number, name in enumerate(OPERATIONS[kind]) if name != "none"]
    best = max(allowed, key=lambda number: weights[number])
    return float(weights[best]) * len(weights), best
