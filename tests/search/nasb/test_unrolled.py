"""The finite difference of DARTS' second order against the exact gradient through one step of the weights."""

from __future__ import annotations

import torch
from torch import Tensor

from search.nasb.unrolled import unrolled_gradients

RATE, DECAY, MOMENTUM = 0.1, 0.01, 0.9


def losses(w: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Two smooth functions that mix weights and architecture."""
    train = ((w * a.softmax(0)).sum() - 1.0).square() + (w.sin() * a).sum()
    valid = (w.square() * a).sum() + (w * a).cos().sum()
    return train, valid


def test_it_is_near_the_exact_gradient_and_leaves_the_weights_alone() -> None:
    w = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64, requires_grad=True)
    a = torch.tensor([0.2, 0.5, -0.4], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    losses(w, a)[0].backward()  # type: ignore[no-untyped-call]
    optimizer.step()  # so that there is a momentum
    kept = optimizer.state[w]["momentum_buffer"].clone()
    before = w.detach().clone()

    (grad,) = torch.autograd.grad(losses(w, a)[0], [w], create_graph=True)
    ahead = w - RATE * (MOMENTUM * kept + grad + DECAY * w)
    wanted_loss = losses(ahead, a)[1]
    (wanted,) = torch.autograd.grad(wanted_loss, [a])

    (found,), loss = unrolled_gradients(lambda: losses(w, a)[0], lambda: losses(w, a)[1], [a], optimizer)
    assert torch.allclose(found, wanted, atol=1e-5)
    assert torch.allclose(loss, wanted_loss.detach())
    (first_order,) = torch.autograd.grad(losses(w, a)[1], [a])
    assert not torch.allclose(found, first_order, atol=1e-3)
    assert torch.equal(w.detach(), before)
    assert torch.equal(optimizer.state[w]["momentum_buffer"], kept)
