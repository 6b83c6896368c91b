"""What each search method makes of the architecture's parameters before a pass through the supernet.

Source: DARTS; SNAS, Eq. 7; NASP; [D] Sec. 3.2.3; PC-DARTS, Eq. 3.
Differs from the source: nothing.

Shape letters:  E edges   O operations
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from search.nasb.binarize import Pair, binarize, cell_rows
from search.nets.cell.architecture import Relax
from search.nets.cell.weights import CellWeights


def softmax(matrix: Tensor, _edges: Tensor | None = None) -> CellWeights:
    """DARTS: a softmax over the operations of every edge."""
    return CellWeights(gates=F.softmax(matrix, dim=-1))


def partial_softmax(matrix: Tensor, edges: Tensor | None) -> CellWeights:
    """PC-DARTS: a softmax over the operations of every edge, and one over the edges of every node."""
    assert edges is not None
    of_nodes = [F.softmax(edges[rows.start : rows.stop], dim=0) for rows in cell_rows(len(edges))]
    return CellWeights(gates=F.softmax(matrix, dim=-1), edges=torch.cat(of_nodes))


def concrete(*, temperature: float) -> Relax:
    """SNAS: a sample of the concrete distribution for every edge, the same in all cells of a structure.

    It is drawn on the CPU from torch's own stream, so that it is the same whatever the device.
    """

    def relax(matrix: Tensor, _edges: Tensor | None) -> CellWeights:
        uniform = torch.rand(matrix.shape, dtype=torch.float64).clamp(min=1e-12)
        gumbel = -torch.log(-torch.log(uniform)).to(matrix)
        logits = F.log_softmax(matrix, dim=-1) + gumbel
        return CellWeights(gates=F.softmax(logits / temperature, dim=-1))

    return relax


def binary(matrix: Tensor, _edges: Tensor | None = None) -> CellWeights:
    """NASP, NASB: G of zeros and ones; the gradient of G is taken for that of A (Eq. 3.6)."""
    found = active_pairs(matrix)
    gates: Tensor = _StraightThrough.apply(matrix, _ones_at(found, matrix))
    return CellWeights(gates=gates, active=found)


def active_pairs(matrix: Tensor) -> tuple[Pair, ...]:
    """Return the pairs (edge, operation) of a cell that are active; the one read of A from its device."""
    return binarize(matrix.detach().double().cpu().numpy(), cell_rows(len(matrix)))


def _ones_at(pairs: tuple[Pair, ...], like: Tensor) -> Tensor:
    gates = torch.zeros(like.shape, dtype=like.dtype)
    for edge, operation in pairs:
        gates[edge, operation] = 1.0
    return gates.to(like.device)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(_ctx: Any, matrix: Tensor, gates: Tensor) -> Tensor:
        return gates

    @staticmethod
    def backward(_ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None
