"""Gradients of weights that lie on several ranks, kept below a common norm."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import nn

from search.cmp.ranks import sum_over_ranks

_TINY = 1e-6  # as torch's clip_grad_norm_, so that one rank clips alike


def clip_over_ranks(weights: Sequence[nn.Parameter], fabric: Fabric, *, max_norm: float) -> None:
    """Scale the gradients of this rank's weights: those of all ranks have a norm of `max_norm` at most."""
    grads = [weight.grad for weight in weights if weight.grad is not None]
    squares = [grad.detach().double().square().sum().cpu() for grad in grads]
    mine = torch.stack(squares).sum() if squares else torch.zeros((), dtype=torch.float64)
    norm = float(sum_over_ranks([mine], fabric)[0].sqrt())
    scale = min(1.0, max_norm / (norm + _TINY))
    for grad in grads:
        grad.mul_(scale)
