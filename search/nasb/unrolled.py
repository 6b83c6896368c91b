"""DARTS' second order: the gradient of A through one step of the weights, by finite differences.

Source: DARTS, Eq. 7 and 8.
Differs from the source: the weights are moved in place and restored, instead of copying the supernet.

    dL_val(w', A)/dA - rate * (dL_train(w+, A)/dA - dL_train(w-, A)/dA) / (2 R)
    w' = w - rate * (momentum and decay included),   w+- = w +- R dL_val/dw',   R = 0.01 / |dL_val/dw'|
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

REACH = 0.01  # R times the norm of the direction


def unrolled_gradients(
    train_loss: Callable[[], Tensor],
    valid_loss: Callable[[], Tensor],
    architecture: Sequence[Tensor],
    optimizer: torch.optim.SGD,
) -> tuple[list[Tensor], Tensor]:
    """Return the gradient of every tensor of `architecture`, and the validation loss one step ahead.

    Args:
        train_loss: Computes the loss anew from the weights as they are, as `valid_loss` does.
        optimizer: Of the weights; its rate, momentum and decay make the step ahead. All is left as it was.
    """
    (group,) = optimizer.param_groups
    weights: list[Tensor] = list(group["params"])
    with _restored(weights):
        _step_ahead(torch.autograd.grad(train_loss(), weights, allow_unused=True), optimizer)
        ahead = valid_loss()
        found = torch.autograd.grad(ahead, [*architecture, *weights], allow_unused=True)
    of_architecture = [_or_zero(grad, of) for grad, of in zip(found, architecture, strict=False)]
    direction = [_or_zero(grad, of) for grad, of in zip(found[len(architecture) :], weights, strict=True)]
    reach = REACH / torch.stack([one.norm() for one in direction]).norm()
    sides = []
    for sign in (1.0, -1.0):
        with _restored(weights):
            _move(weights, direction, sign * reach)
            sides.append(torch.autograd.grad(train_loss(), list(architecture)))
    rate: float = group["lr"]
    for grad, plus, minus in zip(of_architecture, *sides, strict=True):
        grad.sub_(rate * (plus - minus) / (2.0 * reach))
    return of_architecture, ahead.detach()


def _or_zero(grad: Tensor | None, of: Tensor) -> Tensor:
    return torch.zeros_like(of) if grad is None else grad


@torch.no_grad()
def _step_ahead(gradients: Sequence[Tensor | None], optimizer: torch.optim.SGD) -> None:
    (group,) = optimizer.param_groups
    for weight, grad in zip(group["params"], gradients, strict=True):
        if grad is None:
            continue
        step = grad + group["weight_decay"] * weight
        kept = optimizer.state[weight].get("momentum_buffer") if weight in optimizer.state else None
        if kept is not None:
            step = step + group["momentum"] * kept
        weight.sub_(group["lr"] * step)


@torch.no_grad()
def _move(weights: Sequence[Tensor], direction: Sequence[Tensor], by: Tensor) -> None:
    for weight, towards in zip(weights, direction, strict=True):
        weight.add_(by * towards)


@contextmanager
def _restored(weights: Sequence[Tensor]) -> Iterator[None]:
    kept = [weight.detach().clone() for weight in weights]
    try:
        yield
    finally:
        with torch.no_grad():
            for weight, was in zip(weights, kept, strict=True):
                weight.copy_(was)
