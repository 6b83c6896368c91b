"""What a search finds: for every node the edges that are left, each with one operation.

Source: [D] Sec. 3.2.1, 3.3.5; DARTS.

Pure: neither torch nor ray.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from inspector.errors import InputError
from search.nets.cell.space import NUM_INPUTS, OPERATION_NAMES, CellKind, cell_kinds

_EDGE = re.compile(r"(\w+)\((\d+)\)")


@dataclass(frozen=True)
class ChosenEdge:
    """An operation on the output of node `source`."""

    operation: str
    source: int

    def __str__(self) -> str:
        return f"{self.operation}({self.source})"


@dataclass(frozen=True)
class CellGenotype:
    """One cell: the edges of node 2, of node 3, and so on, and the nodes whose outputs are its own.

    Args:
        concat: Empty: all nodes behind the inputs.

    Raises:
        InputError: no node, one without an edge, an unknown operation, or a source that is no earlier node.
    """

    nodes: tuple[tuple[ChosenEdge, ...], ...]
    concat: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InputError("a cell has no node; it needs at least one behind its two inputs")
        inner = range(NUM_INPUTS, self.num_nodes)
        if not self.concat:
            object.__setattr__(self, "concat", tuple(inner))
        if not set(self.concat) <= set(inner):
            raise InputError(f"a cell's output is of nodes {self.concat}, but its nodes are {_listed(inner)}")
        for node, edges in zip(inner, self.nodes, strict=True):
            _check_edges(node, edges)

    @property
    def num_nodes(self) -> int:
        """N: the two inputs included."""
        return NUM_INPUTS + len(self.nodes)

    def __str__(self) -> str:
        nodes = " | ".join(" + ".join(str(edge) for edge in edges) for edges in self.nodes)
        return f"{nodes} > {_listed(self.concat)}"


@dataclass(frozen=True)
class Genotype:
    """A network's cells: one of each kind, by which all of the kind are built, or several, in their order.

    Raises:
        InputError: a kind has no cell, or the cells differ in their number of nodes.
    """

    normal: tuple[CellGenotype, ...]
    reduce: tuple[CellGenotype, ...]

    def __post_init__(self) -> None:
        if not self.normal or not self.reduce:
            raise InputError("a genotype needs at least one normal and one reduce cell")
        counts = {cell.num_nodes for cell in (*self.normal, *self.reduce)}
        if len(counts) > 1:
            raise InputError(f"the cells of a genotype have {sorted(counts)} nodes; all must have as many")

    @property
    def num_nodes(self) -> int:
        return self.normal[0].num_nodes

    def of(self, kind: CellKind) -> tuple[CellGenotype, ...]:
        return self.normal if kind == "normal" else self.reduce

    def cells(self, num_cells: int) -> tuple[CellGenotype, ...]:
        """Return the cell of each of `num_cells` places.

        Several cells of a kind are spread evenly in their order: of a search with 8 different cells each of
        the six normal ones stands three times in a network of 20 ([D] Sec. 3.3.5).

        Raises:
            InputError: there are more cells of a kind than places for them.
        """
        kinds = cell_kinds(num_cells)
        spread: dict[CellKind, list[CellGenotype]] = {}
        for kind in ("normal", "reduce"):
            found, places = self.of(kind), kinds.count(kind)
            if len(found) > places:
                raise InputError(
                    f"the genotype has {len(found)} {kind} cells, but a network of {num_cells} cells "
                    f"has room for {places}; build more cells"
                )
            spread[kind] = [found[place * len(found) // places] for place in range(places)]
        return tuple(spread[kind].pop(0) for kind in kinds)

    def text(self) -> str:
        """Return the genotype on one line; `parse_genotype` reads it again."""
        cells = [("normal", cell) for cell in self.normal] + [("reduce", cell) for cell in self.reduce]
        return "; ".join(f"{kind}: {cell}" for kind, cell in cells)


def parse_genotype(text: str) -> Genotype:
    """Read what `Genotype.text` wrote.

    >>> found = parse_genotype("normal: sep_3x3(0) + skip_connect(1) > 2; reduce: max_pool_3x3(0) > 2")
    >>> found.normal[0].nodes
    ((ChosenEdge(operation='sep_3x3', source=0), ChosenEdge(operation='skip_connect', source=1)),)

    Raises:
        InputError: it is no genotype; the part that cannot be read is named.
    """
    cells: dict[str, list[CellGenotype]] = {"normal": [], "reduce": []}
    for part in text.split(";"):
        kind, colon, body = part.strip().partition(":")
        if not colon or kind not in cells:
            raise InputError(
                f"{part.strip()!r} is no cell of a genotype: it must begin with normal: or reduce:"
            )
        cells[kind].append(_parse_cell(body))
    return Genotype(tuple(cells["normal"]), tuple(cells["reduce"]))


def _parse_cell(text: str) -> CellGenotype:
    body, _, concat = text.partition(">")
    nodes = []
    for node in body.split("|"):
        matches = [(edge, _EDGE.fullmatch(edge.strip())) for edge in node.split("+")]
        for edge, match in matches:
            if match is None:
                raise InputError(f"{edge.strip()!r} is no edge of a genotype, such as sep_3x3(0)")
        nodes.append(tuple(ChosenEdge(match[1], int(match[2])) for _, match in matches if match))
    numbers = concat.split(",") if concat.strip() else []
    if not all(number.strip().isdecimal() for number in numbers):
        raise InputError(f"{concat.strip()!r} does not name the nodes of a cell's output, such as 2,3,4,5")
    return CellGenotype(tuple(nodes), tuple(int(number) for number in numbers))


def _check_edges(node: int, edges: tuple[ChosenEdge, ...]) -> None:
    if not edges:
        raise InputError(f"node {node} of a cell has no edge; it needs at least one")
    for edge in edges:
        if edge.operation not in OPERATION_NAMES:
            known = ", ".join(OPERATION_NAMES)
            raise InputError(f"there is no operation {edge.operation!r}; the operations are {known}")
        if not 0 <= edge.source < node:
            raise InputError(f"node {node} takes node {edge.source}, but may take nodes 0 to {node - 1}")


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(str(number) for number in numbers)
