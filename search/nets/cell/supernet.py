"""The supernet: a stem, cells whose nodes are injected, a classifier; one explicit list of stages.

Source: [D] Sec. 3.2.1, 3.3.1; DARTS.
Differs from the source: nothing; the stages are what [D] cuts into partitions.

Shape letters:  B batch   C channels   H, W rows, columns   K classes

A stage takes and gives a tuple of tensors, so that a partition is a run of stages:
    stem   (image,) -> (s0, s1)      cell   (s0, s1) -> (s1, output)      classifier   (s0, s1) -> (logits,)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search.nets.cell.nodes import MakeNode, NodePlan
from search.nets.cell.operations import SEARCH_NORM, FactorizedReduce, Norm, relu_conv_norm
from search.nets.cell.space import (
    NASB_OPERATIONS,
    NUM_INPUTS,
    NUM_NODES,
    STEM_FACTOR,
    CellPlace,
    OperationSet,
    cell_places,
    edge_stride,
    inner_nodes,
)
from search.nets.cell.weights import CellWeights

State = tuple[Tensor, ...]


class Stage(nn.Module):
    """A part of the supernet that a partition can begin or end with.

    `cell` is the number of the cell whose weights it takes, or None where it takes none.
    """

    cell: int | None = None

    def forward(self, state: State, weights: CellWeights | None = None) -> State:
        raise NotImplementedError


class Stem(Stage):
    """(image (B, 3, H, W),) -> the same features twice, (B, 3 C, H, W)."""

    def __init__(self, channels: int, *, norm: Norm, in_channels: int = 3) -> None:
        super().__init__()
        out = STEM_FACTOR * channels
        self.features = nn.Sequential(nn.Conv2d(in_channels, out, 3, padding=1, bias=False), norm.make(out))

    def forward(self, state: State, weights: CellWeights | None = None) -> State:
        (image,) = state
        features = self.features(image)
        return features, features


class CellInputs(nn.Module):
    """Brings the outputs of the two cells before to one size and the cell's channels."""

    def __init__(self, place: CellPlace, *, norm: Norm) -> None:
        super().__init__()
        if place.halve_before:
            self.before: nn.Module = FactorizedReduce(place.before_channels, place.channels, norm=norm)
        else:
            self.before = relu_conv_norm(place.before_channels, place.channels, norm=norm)
        self.last = relu_conv_norm(place.last_channels, place.channels, norm=norm)

    def forward(self, s0: Tensor, s1: Tensor) -> tuple[Tensor, Tensor]:
        return self.before(s0), self.last(s1)


class SearchCell(Stage):
    """A cell of all edges; each node is what `make_node` makes."""

    def __init__(
        self,
        place: CellPlace,
        operations: OperationSet,
        make_node: MakeNode,
        *,
        num_nodes: int,
        norm: Norm,
    ) -> None:
        super().__init__()
        self.cell = place.number
        self.inputs = CellInputs(place, norm=norm)
        self._inner = inner_nodes(num_nodes)
        self.nodes = nn.ModuleList(
            make_node(
                NodePlan(
                    strides=tuple(edge_stride(place.kind, source) for source in range(node)),
                    operations=operations.of(place.kind),
                    channels=place.channels,
                    norm=norm,
                )
            )
            for node in self._inner
        )

    def forward(self, state: State, weights: CellWeights | None = None) -> State:
        assert weights is not None
        s0, s1 = state
        nodes = [*self.inputs(s0, s1)]
        for number, node in zip(self._inner, self.nodes, strict=True):
            nodes.append(node(nodes, weights.of_node(number)))
        return s1, torch.cat(nodes[NUM_INPUTS:], dim=1)


class Classifier(Stage):
    """The last cell's output, averaged over its pixels -> (logits (B, K),)."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, num_classes)

    def forward(self, state: State, weights: CellWeights | None = None) -> State:
        return (self.linear(state[-1].mean(dim=(2, 3))),)


class CellSupernet(nn.Module):
    """image (B, 3, H, W) and the weights of each cell -> logits (B, num_classes).

    Args:
        make_node: Builds every node: what one search method differs from another in.
        channels: Of a node of the first cell.
        num_nodes: N, the two inputs included.
    """

    def __init__(
        self,
        make_node: MakeNode,
        *,
        operations: OperationSet = NASB_OPERATIONS,
        num_cells: int = 8,
        channels: int = 16,
        num_nodes: int = NUM_NODES,
        num_classes: int = 10,
        norm: Norm = SEARCH_NORM,
    ) -> None:
        super().__init__()
        self.operations = operations
        self.num_cells = num_cells
        self.num_nodes = num_nodes
        num_outputs = num_nodes - NUM_INPUTS
        places = cell_places(channels, [num_outputs] * num_cells)
        cells = [SearchCell(place, operations, make_node, num_nodes=num_nodes, norm=norm) for place in places]
        out_channels = places[-1].channels * num_outputs
        self._stages = nn.ModuleList(
            [Stem(channels, norm=norm), *cells, Classifier(out_channels, num_classes)]
        )

    def stages(self) -> list[Stage]:
        """Return the stages in order: the stem, `num_cells` cells, the classifier."""
        return [stage for stage in self._stages if isinstance(stage, Stage)]

    def forward(self, image: Tensor, weights: Sequence[CellWeights]) -> Tensor:
        (logits,) = run_stages(self.stages(), (image,), weights)
        return logits


def run_stages(stages: Sequence[Stage], state: State, weights: Sequence[CellWeights]) -> State:
    """Run consecutive stages.

    Args:
        weights: Of every cell of the supernet, whichever of them are among the stages.
    """
    for stage in stages:
        state = stage(state, None if stage.cell is None else weights[stage.cell])
    return state
