"""CMP changes when things are computed and nothing of what is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from search.cmp.clock import CONSECUTIVE, Phase, Task, needs
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.partition import Partition, cut
from search.cmp.passes import Losses
from search.cmp.sequential import ModelParallel, Parallelism
from search.cmp.step import SearchStep
from tests.search.cmp.tiny_supernet import TinySupernet, batch, criterion

CPU = torch.device("cpu")
SPLITS = [(5,), (1, 4), (3, 2), (2, 1, 2), (1, 1, 1, 1, 1)]


@pytest.fixture
def consecutive() -> Iterator[Callable[[list[Partition]], ConsecutiveParallel]]:
    """Makes a CMP over partitions and closes it behind the test."""
    made: list[ConsecutiveParallel] = []

    def make(partitions: list[Partition]) -> ConsecutiveParallel:
        made.append(ConsecutiveParallel(partitions, criterion))
        return made[-1]

    yield make
    for one in made:
        one.close()


def partitions_of(net: TinySupernet, sizes: tuple[int, ...]) -> list[Partition]:
    return cut(net.stages, [CPU] * len(sizes), sizes=sizes)


def gradients(parallelism: Parallelism, net: TinySupernet) -> tuple[Losses, list[Tensor]]:
    losses = parallelism.gradients(train=batch(1), valid=batch(2), mixture=net.mix())
    grads = []
    for parameter in net.everything():
        assert parameter.grad is not None
        grads.append(parameter.grad)
    return losses, grads


@pytest.mark.parametrize("sizes", SPLITS)
def test_consecutive_equals_sequential_to_the_last_bit(
    sizes: tuple[int, ...], consecutive: Callable[[list[Partition]], ConsecutiveParallel]
) -> None:
    net, same = TinySupernet(), TinySupernet()
    expected = gradients(ModelParallel(partitions_of(net, sizes), criterion), net)
    found = gradients(consecutive(partitions_of(same, sizes)), same)
    assert found[0] == expected[0]
    assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


@pytest.mark.parametrize("sizes", SPLITS)
def test_a_divided_network_has_the_gradients_of_the_undivided(sizes: tuple[int, ...]) -> None:
    net = TinySupernet(dtype=torch.float64)
    train, valid = (batch(seed, dtype=torch.float64) for seed in (1, 2))
    of_weights = torch.autograd.grad(criterion(net.forward(train.inputs), train.target), net.weights())
    (of_architecture,) = torch.autograd.grad(
        criterion(net.forward(valid.inputs), valid.target), [net.architecture]
    )
    divided = ModelParallel(partitions_of(net, sizes), criterion)
    divided.gradients(train=train, valid=valid, mixture=net.mix())
    for weight, grad in zip(net.weights(), of_weights, strict=True):
        assert weight.grad is not None
        assert torch.equal(weight.grad, grad)
    # Three cells add to one gate: a cut changes the order in which they are added.
    torch.testing.assert_close(net.architecture.grad, of_architecture, rtol=1e-13, atol=0)


def test_every_partition_works_in_the_order_of_the_clock(
    consecutive: Callable[[list[Partition]], ConsecutiveParallel],
) -> None:
    net = TinySupernet()
    parallelism = consecutive(partitions_of(net, (2, 2, 1)))
    gradients(parallelism, net)
    assert set(parallelism.spans) == {Task(phase, index) for phase in Phase for index in range(3)}
    for task, span in parallelism.spans.items():
        before = needs(task, num_partitions=3)
        assert before is None or parallelism.spans[before].end_s <= span.begin_s
    for index in range(3):
        own = [parallelism.spans[Task(phase, index)] for phase in CONSECUTIVE]
        assert own == sorted(own, key=lambda span: span.begin_s)


def train(net: TinySupernet, parallelism: Parallelism, *, steps: int = 3) -> None:
    step = SearchStep(
        parallelism,
        net.mix,
        weight_optimizer=torch.optim.SGD(net.weights(), lr=0.1, momentum=0.9),
        architecture_optimizer=torch.optim.Adam([net.architecture], lr=0.1),
    )
    for number in range(steps):
        step.learn(train=batch(10 + number), valid=batch(20 + number))


def test_whole_searches_end_alike(consecutive: Callable[[list[Partition]], ConsecutiveParallel]) -> None:
    one, other = TinySupernet(), TinySupernet()
    train(one, ModelParallel(partitions_of(one, (2, 3)), criterion))
    train(other, consecutive(partitions_of(other, (2, 3))))
    pairs = zip(one.everything(), other.everything(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.architecture, TinySupernet().architecture)


def test_both_gradients_are_those_before_any_update() -> None:
    """Algorithm 1: L_train is of A_t, not of A_t+1 as in the alternating algorithm 2."""
    net, start = TinySupernet(), TinySupernet()
    parallelism = ModelParallel(partitions_of(net, (2, 3)), criterion)
    train(net, parallelism, steps=1)
    expected = criterion(start.forward(batch(10).inputs), batch(10).target)
    grads = torch.autograd.grad(expected, start.weights())
    for weight, before, grad in zip(net.weights(), start.weights(), grads, strict=True):
        torch.testing.assert_close(weight, before - 0.1 * grad)


def test_workers_autocast_where_the_caller_does(
    consecutive: Callable[[list[Partition]], ConsecutiveParallel],
) -> None:
    plain, net, same = TinySupernet(), TinySupernet(), TinySupernet()
    in_full, _ = gradients(ModelParallel(partitions_of(plain, (2, 3)), criterion), plain)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = gradients(ModelParallel(partitions_of(net, (2, 3)), criterion), net)
        found = gradients(consecutive(partitions_of(same, (2, 3))), same)
    assert found[0] == expected[0] != in_full
    assert all(torch.equal(a, b) for a, b in zip(found[1], expected[1], strict=True))


def test_a_frozen_weight_gets_no_gradient(
    consecutive: Callable[[list[Partition]], ConsecutiveParallel],
) -> None:
    net = TinySupernet()
    frozen = next(net.stages[0].parameters())
    frozen.requires_grad_(False)
    consecutive(partitions_of(net, (1, 4))).gradients(train=batch(1), valid=batch(2), mixture=net.mix())
    assert frozen.grad is None
    assert all(weight.grad is not None for weight in net.weights() if weight is not frozen)
