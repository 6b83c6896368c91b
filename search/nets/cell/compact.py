"""The network that a genotype describes, built to be trained from scratch.

Source: [D] Sec. 3.3.1; DARTS.
Differs from the source: nothing.

Shape letters:  B batch   C channels   H, W rows, columns   K classes
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search.nets.cell.genotype import CellGenotype, Genotype
from search.nets.cell.nodes import total
from search.nets.cell.operations import COMPACT_NORM, make_operation
from search.nets.cell.space import CellPlace, cell_places, edge_stride
from search.nets.cell.supernet import CellInputs, Stem

AUXILIARY_WEIGHT = 0.4  # of the auxiliary head's loss
DROP_PATH = 0.2  # its probability at the end of training; it grows from 0 in a straight line
NUM_CELLS, CHANNELS = 20, 36


class CompactCell(nn.Module):
    """(s0, s1) -> the nodes' outputs, one behind the other in channels."""

    def __init__(self, place: CellPlace, genotype: CellGenotype) -> None:
        super().__init__()
        self._genotype = genotype
        self.inputs = CellInputs(place, norm=COMPACT_NORM)
        self.nodes = nn.ModuleList(
            nn.ModuleList(
                make_operation(
                    edge.operation,
                    place.channels,
                    stride=edge_stride(place.kind, edge.source),
                    norm=COMPACT_NORM,
                )
                for edge in edges
            )
            for edges in genotype.nodes
        )

    def forward(self, s0: Tensor, s1: Tensor, drop_path: float) -> Tensor:
        states = [*self.inputs(s0, s1)]
        for edges, operations in zip(self._genotype.nodes, self.nodes, strict=True):
            assert isinstance(operations, nn.ModuleList)
            chosen = zip(edges, operations, strict=True)
            states.append(
                total(self._run(operation, states[edge.source], drop_path) for edge, operation in chosen)
            )
        return torch.cat([states[node] for node in self._genotype.concat], dim=1)

    def _run(self, operation: nn.Module, x: Tensor, drop_path: float) -> Tensor:
        output: Tensor = operation(x)
        if self.training and drop_path > 0.0 and not isinstance(operation, nn.Identity):
            return drop_paths(output, drop_path)
        return output


class AuxiliaryHead(nn.Module):
    """A classifier behind the second reduce cell, for 32x32 images: (B, C, 8, 8) -> (B, K)."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, 3, count_include_pad=False),
            nn.Conv2d(in_channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.linear = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(self.features(x).flatten(1))
        return logits


class CompactNet(nn.Module):
    """image (B, 3, 32, 32) -> logits (B, K), and in training those of the auxiliary head (else None).

    Args:
        auxiliary: Build the head; a network for evaluation alone needs none.
    """

    def __init__(
        self,
        genotype: Genotype,
        *,
        num_cells: int = NUM_CELLS,
        channels: int = CHANNELS,
        num_classes: int = 10,
        auxiliary: bool = True,
    ) -> None:
        super().__init__()
        cells = genotype.cells(num_cells)
        places = cell_places(channels, [len(cell.concat) for cell in cells])
        self.stem = Stem(channels, norm=COMPACT_NORM)
        self.cells = nn.ModuleList(
            CompactCell(place, cell) for place, cell in zip(places, cells, strict=True)
        )
        self._auxiliary_at = 2 * num_cells // 3
        self.auxiliary = (
            AuxiliaryHead(_out_channels(places, cells, self._auxiliary_at), num_classes)
            if auxiliary
            else None
        )
        self.linear = nn.Linear(_out_channels(places, cells, num_cells - 1), num_classes)

    def forward(self, image: Tensor, drop_path: float = 0.0) -> tuple[Tensor, Tensor | None]:
        """Return the logits; `drop_path` is the probability with which a path of a sample is left out."""
        s0, s1 = self.stem((image,))
        auxiliary = None
        for number, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1, drop_path)
            if number == self._auxiliary_at and self.auxiliary is not None and self.training:
                auxiliary = self.auxiliary(s1)
        return self.linear(s1.mean(dim=(2, 3))), auxiliary


def drop_paths(x: Tensor, probability: float) -> Tensor:
    """Set whole samples of `x` (B, C, H, W) to zero and scale the others, so that the mean stays."""
    kept = 1.0 - probability
    mask = torch.empty(x.shape[0], 1, 1, 1, dtype=x.dtype, device=x.device).bernoulli_(kept)
    return x / kept * mask


def _out_channels(places: tuple[CellPlace, ...], cells: tuple[CellGenotype, ...], number: int) -> int:
    return places[number].channels * len(cells[number].concat)
