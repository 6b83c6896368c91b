"""The six search methods: a node, a relaxation, an order of the two losses; all else is shared.

Source: [D] Sec. 3.3.1, 3.3.4; DARTS; SNAS; NASP; PC-DARTS.
Differs from the source: SNAS' paper gives no temperatures; they fall from 1 to 0.33 in a straight line.
PC-DARTS has the same rates as the others, as [D] has at batch 60; the epochs of its own code in which weights
alone learn first are left out, as [D] names none.

Shape letters:  E edges   O operations
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from search.nasb.nodes import BinaryNode, PartialNode, ProximalNode
from search.nasb.relaxation import binary, concrete, partial_softmax, softmax
from search.nets.cell.architecture import Relax, Start, half_start, normal_start
from search.nets.cell.nodes import DenseNode, MakeNode

# first: A learns from the validation loss, w from the training loss, in turns.
# second: the same, and A sees one step of w ahead. single: both learn from one training loss.
Order = Literal["first", "second", "single"]
Strengths = Callable[[Tensor, Tensor | None], Tensor]
HOT, COLD = 1.0, 0.33  # temperatures of SNAS


@dataclass(frozen=True)
class Method:
    """A search method.

    Args:
        relaxation: Progress of the search, 0 to 1 -> what a pass makes of A.
        strengths: A and the parameters of edges -> how strong each operation of each edge is, (E, O): the
            compact network keeps the strongest.
        clips: A stays within 0 to 1.
        with_edges: There are parameters of edges.
    """

    key: str
    label: str
    make_node: MakeNode
    relaxation: Callable[[float], Relax]
    strengths: Strengths
    order: Order = "first"
    start: Start = normal_start
    clips: bool = False
    with_edges: bool = False


def _always(relax: Relax) -> Callable[[float], Relax]:
    return lambda _progress: relax


def _cooling(progress: float) -> Relax:
    return concrete(temperature=HOT + (COLD - HOT) * progress)


def _gates(matrix: Tensor, _edges: Tensor | None) -> Tensor:
    return matrix.softmax(dim=-1)


def _gates_times_edges(matrix: Tensor, edges: Tensor | None) -> Tensor:
    weights = partial_softmax(matrix, edges)
    assert weights.gates is not None
    assert weights.edges is not None
    return weights.gates * weights.edges[:, None]


def _itself(matrix: Tensor, _edges: Tensor | None) -> Tensor:
    return matrix


METHODS = {
    method.key: method
    for method in (
        Method("darts-1", "DARTS (1st order)", DenseNode, _always(softmax), _gates),
        Method("darts-2", "DARTS (2nd order)", DenseNode, _always(softmax), _gates, order="second"),
        Method("snas", "SNAS", DenseNode, _cooling, _gates, order="single"),
        Method("nasp", "NASP", ProximalNode, _always(binary), _itself, start=half_start, clips=True),
        Method(
            "pc-darts",
            "PC-DARTS",
            PartialNode,
            _always(partial_softmax),
            _gates_times_edges,
            with_edges=True,
        ),
        Method("nasb", "NASB", BinaryNode, _always(binary), _itself, start=half_start, clips=True),
    )
}
