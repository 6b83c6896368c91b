"""A node of a supernet's cell adds what its edges bring; its class says which candidates run, how weighted.

Source: [D] Eq. 3.1, 3.2.

Shape letters:  B batch   C channels of a node   H, W rows, columns   E edges of the node   O operations
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from search.nets.cell.operations import SEARCH_NORM, Norm, make_operation
from search.nets.cell.weights import CellWeights


@dataclass(frozen=True)
class NodePlan:
    """What a node is built of.

    Args:
        strides: One an edge, by its source.
        operations: Names of the candidates, the same on each edge.
        channels: Of its inputs and its output.
    """

    strides: tuple[int, ...]
    operations: tuple[str, ...]
    channels: int
    norm: Norm = SEARCH_NORM


# Builds a module with forward(inputs: Sequence[Tensor], weights: CellWeights) -> Tensor; `inputs` are the
# outputs of all nodes before, `weights` those of the node.
MakeNode = Callable[[NodePlan], nn.Module]


class CandidateNode(nn.Module):
    """A node with all its candidates: `self.candidates[edge][operation]`."""

    def __init__(self, plan: NodePlan) -> None:
        super().__init__()
        self.candidates = nn.ModuleList(
            nn.ModuleList(
                make_operation(name, plan.channels, stride=stride, norm=plan.norm) for name in plan.operations
            )
            for stride in plan.strides
        )

    def candidate(self, edge: int, operation: int) -> nn.Module:
        of_edge = self.candidates[edge]
        assert isinstance(of_edge, nn.ModuleList)
        return of_edge[operation]


class DenseNode(CandidateNode):
    """All operations on all edges, each times its gate: the mixed operation of DARTS (Eq. 3.2)."""

    def forward(self, inputs: Sequence[Tensor], weights: CellWeights) -> Tensor:
        assert weights.gates is not None
        return total(self._weighted(inputs, weights.gates))

    def _weighted(self, inputs: Sequence[Tensor], gates: Tensor) -> Iterator[Tensor]:
        for edge, x in enumerate(inputs):
            for number, gate in enumerate(gates[edge]):
                yield gate * self.candidate(edge, number)(x)


class PathNode(CandidateNode):
    """Only the active operations, added as they are: nothing of the others is computed or kept."""

    def forward(self, inputs: Sequence[Tensor], weights: CellWeights) -> Tensor:
        assert weights.active is not None
        return total(self.candidate(edge, number)(inputs[edge]) for edge, number in weights.active)


def total(terms: Iterator[Tensor]) -> Tensor:
    """Return the sum, added from the first to the last; unlike `sum` it begins with no zero."""
    found = next(terms)
    for term in terms:
        found = found + term
    return found
