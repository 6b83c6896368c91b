"""Small supernets and architectures of any method, with equal weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search.nets.cell.architecture import Architecture, normal_start
from search.nets.cell.nodes import MakeNode
from search.nets.cell.operations import SEARCH_NORM, Norm
from search.nets.cell.space import NASB_OPERATIONS, OperationSet
from search.nets.cell.supernet import CellSupernet

NUM_CELLS = 3  # normal, reduce, reduce: both kinds, and an input that is halved


def make_supernet(
    make_node: MakeNode, *, operations: OperationSet = NASB_OPERATIONS, norm: Norm = SEARCH_NORM
) -> CellSupernet:
    """A supernet of 4 channels, the same weights for every kind of node that has all candidates."""
    torch.manual_seed(1)
    return CellSupernet(make_node, operations=operations, num_cells=NUM_CELLS, channels=4, norm=norm)


def make_architecture(
    operations: OperationSet = NASB_OPERATIONS, *, seed: int = 2, with_edges: bool = False
) -> Architecture:
    """Random parameters around 0, so that other operations than the first are active."""
    return Architecture(operations, num_cells=NUM_CELLS, seed=seed, with_edges=with_edges, start=normal_start)


def images(count: int = 4, *, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(5), dtype=dtype)


def labels(count: int = 4) -> Tensor:
    return torch.arange(count) % 10


def zero_for_none(tensors: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
    pairs = zip(tensors, like, strict=True)
    return [torch.zeros_like(one) if tensor is None else tensor for tensor, one in pairs]


class Noisy(nn.Module):
    """An operation that keeps statistics and draws random numbers, as dropout does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(x))
        return normed * torch.rand_like(normed)
