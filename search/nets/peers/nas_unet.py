"""NAS-UNet: four down cells and four up cells, each a copy of the one that the search derived.

Source: Weng et al. (2019) and its published code; [D] Sec. 5.3.1 and 5.4 (cells stacked four times).
Differs from the source: both stems keep the resolution, so that four up cells lead back to it (the published
code halves in the second stem and has five up cells); BN instead of group normalisation; one logit.

Shape letters:  B batch   C channels of a node   H, W rows, columns   w width
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from search.nets.peers.nas_unet_genotype import (
    CELL_KINDS,
    NUM_INPUTS,
    NUM_NODES,
    CellKind,
    ChosenEdge,
    Genes,
    read_genes,
)
from search.nets.peers.nas_unet_operations import batch_norm, make_edge_operation

NUM_CELLS = 4  # of each kind
WIDTH_PER_CHANNEL = 2  # w = 64: 32 channels a node, where the published configurations have 30 to 48

# Kind and channels -> a module: (state 0, state 1) -> the nodes' states, one behind the other in channels.
MakeCell = Callable[[CellKind, int], nn.Module]
RunCell = Callable[[int, Tensor, Tensor], Tensor]  # number of the cell, state 0, state 1


class Preprocess(nn.Sequential):
    """ReLU, 1x1 convolution on every `stride`th pixel and BN: an input of a cell at its size and channels."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, is_mixed: bool) -> None:
        super().__init__(
            nn.ReLU(),
            # A pooling of single pixels, since the backward pass of a strided 1x1 convolution in
            # channels-last layout writes past its memory on CPUs (torch 2.14).
            nn.MaxPool2d(1, stride) if stride > 1 else nn.Identity(),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            batch_norm(out_channels, is_mixed=is_mixed),
        )


class CellStack(nn.Module):
    """The U-shape around cells: (B, in_channels, H, W) -> logits (B, 1, H, W), whatever the cells are."""

    def __init__(self, channels: int, make_cell: MakeCell, *, in_channels: int, is_mixed: bool) -> None:
        super().__init__()
        out = NUM_NODES * channels
        self.stems = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(in_channels, out, size, padding=size // 2, bias=False),
                batch_norm(out, is_mixed=is_mixed),
            )
            for size in (1, 3)
        )
        kinds: list[CellKind] = [kind for kind in CELL_KINDS for _ in range(NUM_CELLS)]
        # The first down cell gets two states of one resolution, the others one of twice the rows and columns.
        strides = [1] + [2] * (NUM_CELLS - 1) + [1] * NUM_CELLS
        self.first = nn.ModuleList(
            Preprocess(out, channels, stride=stride, is_mixed=is_mixed) for stride in strides
        )
        self.second = nn.ModuleList(Preprocess(out, channels, stride=1, is_mixed=is_mixed) for _ in kinds)
        self.cells = nn.ModuleList(make_cell(kind, channels) for kind in kinds)
        self.head = nn.Conv2d(out, 1, 1)

    def run(self, x: Tensor, run_cell: RunCell) -> Tensor:
        """Push `x` through the cells; `run_cell` calls one of them with its two states."""
        states = [stem(x) for stem in self.stems]
        for number in range(NUM_CELLS):
            states.append(self._step(number, states[-2], states[-1], run_cell))
        y = states.pop()
        for number in range(NUM_CELLS, 2 * NUM_CELLS):
            y = self._step(number, states.pop(), y, run_cell)  # state 0 is the skip
        logits: Tensor = self.head(y)
        return logits

    def _step(self, number: int, first: Tensor, second: Tensor, run_cell: RunCell) -> Tensor:
        return run_cell(number, self.first[number](first), self.second[number](second))


class DerivedCell(nn.Module):
    """A cell of chosen edges: two a node."""

    def __init__(self, chosen: tuple[ChosenEdge, ...], channels: int) -> None:
        super().__init__()
        self._edges = [item.edge for item in chosen]
        self.operations = nn.ModuleList(
            make_edge_operation(item.operation, item.edge.kind, channels, is_mixed=False) for item in chosen
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        states = [first, second]
        parts = list(zip(self._edges, self.operations, strict=True))
        for one, other in zip(parts[::2], parts[1::2], strict=True):
            (edge, operation), (other_edge, other_operation) = one, other
            states.append(operation(states[edge.source]) + other_operation(states[other_edge.source]))
        return torch.cat(states[NUM_INPUTS:], dim=1)


class NasUNet(CellStack):
    """The network of derived cells; `genes` as in `read_genes`.

    Raises:
        ValueError: genes that are no cells.
    """

    def __init__(self, genes: Genes, *, width: int, in_channels: int = 3) -> None:
        chosen = read_genes(genes)
        super().__init__(
            max(1, width // WIDTH_PER_CHANNEL),
            lambda kind, channels: DerivedCell(chosen[kind], channels),
            in_channels=in_channels,
            is_mixed=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, lambda number, first, second: self.cells[number](first, second))
