"""What a cell is made of: its nodes, edges and candidate operations, and where each cell stands in a network.

Source: [D] Sec. 3.2.1, Table 3.1; DARTS.
Differs from the source: the copy of Table 3.1 prints sep_3x3 twice; here it is one candidate, as
|O_N| = 8 says.

Pure: neither torch nor ray. A cell has N nodes: nodes 0 and 1 are its inputs, the outputs of the two cells
before; each later node takes edges from all nodes before it. An edge from an input of a reduce cell halves
rows and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CellKind = Literal["normal", "reduce"]
NUM_INPUTS = 2
NUM_NODES = 6  # N: inputs included
STEM_FACTOR = 3  # channels of the stem over those of the first cell

OPERATION_NAMES = (
    "none",
    "skip_connect",
    "conv_1x1",
    "conv_3x3",
    "conv_3x1_1x3",
    "sep_3x3",
    "sep_5x5",
    "sep_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
)


@dataclass(frozen=True)
class OperationSet:
    """The candidate operations of an edge, by the kind of its cell."""

    name: str
    normal: tuple[str, ...]
    reduce: tuple[str, ...]

    def of(self, kind: CellKind) -> tuple[str, ...]:
        return self.normal if kind == "normal" else self.reduce


NASB_OPERATIONS = OperationSet(
    name="nasb",
    normal=(
        "skip_connect",
        "conv_3x1_1x3",
        "dil_conv_3x3",
        "conv_1x1",
        "conv_3x3",
        "sep_3x3",
        "sep_5x5",
        "sep_7x7",
    ),
    reduce=("skip_connect", "avg_pool_3x3", "max_pool_3x3", "max_pool_5x5", "max_pool_7x7"),
)
_DARTS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_3x3",
    "sep_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
DARTS_OPERATIONS = OperationSet(name="darts", normal=_DARTS, reduce=_DARTS)
OPERATION_SETS = {one.name: one for one in (NASB_OPERATIONS, DARTS_OPERATIONS)}


def first_edge(node: int) -> int:
    """Return the number of the edge from node 0 to `node`; that from node i is i later ([D] below Eq. 3.2).

    >>> [first_edge(node) for node in (2, 3, 4, 5)]
    [0, 2, 5, 9]
    """
    return (node + 1) * (node - 2) // 2


def num_edges(num_nodes: int = NUM_NODES) -> int:
    """Return E of a cell.

    >>> num_edges(6)
    14
    """
    return first_edge(num_nodes)


def inner_nodes(num_nodes: int = NUM_NODES) -> range:
    """Return the nodes behind the inputs, in the order in which they are computed."""
    return range(NUM_INPUTS, num_nodes)


def edge_stride(kind: CellKind, source: int) -> int:
    """Return by what an edge from `source` divides rows and columns."""
    return 2 if kind == "reduce" and source < NUM_INPUTS else 1


def cell_kinds(num_cells: int) -> tuple[CellKind, ...]:
    """Return the kind of each cell: those behind one and two thirds of the depth reduce.

    >>> [number + 1 for number, kind in enumerate(cell_kinds(8)) if kind == "reduce"]
    [3, 6]
    """
    reducing = (num_cells // 3, 2 * num_cells // 3)
    return tuple("reduce" if number in reducing else "normal" for number in range(num_cells))


@dataclass(frozen=True)
class CellPlace:
    """A cell in its network.

    Args:
        number: From 0.
        before_channels: Channels of its input 0, the output of the cell before the last one.
        last_channels: Channels of its input 1, the output of the last cell.
        halve_before: Input 0 is twice as high and wide as input 1, since the last cell reduced.
        channels: Of each of its nodes.
    """

    number: int
    kind: CellKind
    before_channels: int
    last_channels: int
    halve_before: bool
    channels: int


def cell_places(channels: int, num_outputs: Sequence[int]) -> tuple[CellPlace, ...]:
    """Return where each cell stands; every reduce cell doubles the channels.

    Args:
        channels: Of the nodes of the first cell.
        num_outputs: Of each cell, how many nodes its output is put together of.
    """
    places: list[CellPlace] = []
    before = last = STEM_FACTOR * channels
    halve_before = False
    for number, kind in enumerate(cell_kinds(len(num_outputs))):
        channels *= 2 if kind == "reduce" else 1
        places.append(CellPlace(number, kind, before, last, halve_before, channels))
        before, last = last, channels * num_outputs[number]
        halve_before = kind == "reduce"
    return tuple(places)
