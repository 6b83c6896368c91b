"""Each level learns by its own loss, and by the other's not at all."""

from __future__ import annotations

import pytest
import torch

from search.losses.named import class_loss
from search.nasb.architect import Architect, Batch
from search.nasb.methods import METHODS
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import OperationSet
from search.nets.cell.supernet import CellSupernet
from search.reproduce.label_noise.two_levels import TwoLevelArchitect

OPERATIONS = OperationSet("two", ("skip_connect", "conv_1x1"), ("skip_connect", "avg_pool_3x3"))


def batch(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(4, 3, 8, 8, generator=generator), torch.randint(3, (4,), generator=generator)


def subject() -> tuple[CellSupernet, Architecture]:
    torch.manual_seed(0)
    net = CellSupernet(
        METHODS["darts-2"].make_node,
        operations=OPERATIONS,
        num_cells=3,
        channels=2,
        num_nodes=3,
        num_classes=3,
    )
    return net, Architecture(OPERATIONS, num_cells=3, num_nodes=3, seed=0)


def state(architect: Architect) -> list[torch.Tensor]:
    return [*architect.net.parameters(), *architect.architecture.parameters()]


def learn(architect: Architect) -> list[torch.Tensor]:
    for number in range(2):
        architect.learn(batch(number), batch(10 + number), rate=0.1, progress=0.0)
    return state(architect)


@pytest.mark.parametrize("order", ["darts-1", "darts-2"])
@pytest.mark.parametrize("loss", ["cce", "rll"])
def test_with_one_loss_for_both_it_is_the_plain_architect(order: str, loss: str) -> None:
    method, one = METHODS[order], class_loss(loss)
    plain = learn(Architect(*subject(), method, loss=one))
    both = learn(TwoLevelArchitect(*subject(), method, architecture_loss=one, weights_loss=one))
    assert all(torch.equal(a, b) for a, b in zip(plain, both, strict=True))


@pytest.mark.parametrize(("architecture", "weights"), [("rll", "cce"), ("cce", "rll")])
def test_the_architecture_learns_by_its_loss_and_the_weights_by_theirs(
    architecture: str, weights: str
) -> None:
    method = METHODS["darts-1"]
    two = TwoLevelArchitect(
        *subject(),
        method,
        architecture_loss=class_loss(architecture),
        weights_loss=class_loss(weights),
    )
    relax = method.relaxation(0.0)
    two.learn_architecture(batch(0), batch(1), relax)
    plain = Architect(*subject(), method, loss=class_loss(architecture))
    plain.learn_architecture(batch(0), batch(1), relax)
    assert all(torch.equal(a, b) for a, b in zip(state(plain), state(two), strict=True))

    two.learn_weights(batch(0), relax)
    other = Architect(plain.net, plain.architecture, method, loss=class_loss(weights))
    other.learn_weights(batch(0), relax)
    assert all(torch.equal(a, b) for a, b in zip(state(other), state(two), strict=True))


def test_the_second_order_looks_ahead_by_the_weights_loss() -> None:
    def architecture(weights_loss: str) -> list[torch.Tensor]:
        method = METHODS["darts-2"]
        one = TwoLevelArchitect(
            *subject(), method, architecture_loss=class_loss("cce"), weights_loss=class_loss(weights_loss)
        )
        for group in one.weights_optimizer.param_groups:
            group["lr"] = 0.5
        one.learn_architecture(batch(0), batch(1), method.relaxation(0.0))
        return [
            parameter.grad.clone()
            for parameter in one.architecture.parameters()
            if parameter.grad is not None
        ]

    pairs = zip(architecture("cce"), architecture("rll"), strict=True)
    assert any(not torch.allclose(a, b) for a, b in pairs)
