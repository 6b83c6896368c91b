"""NASB on the U-Net: gradients of the gates are those of the dense network, and every network is feasible."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from inspector.errors import SearchSpaceError
from search.autodd.binary_stage import budget_of
from search.autodd.costs import CostTable
from search.limits.limits import violations
from search.nasb.project import Budget
from search.nasb.unet import GATES, BinaryArchitecture, BinaryDetector, build_binary_detector
from search.nets.detector import initialise
from search.nets.spec import NUM_NODES
from search.nets.unet import run_unet
from search.recipe import LimitsRecipe

NO_BUDGET = Budget(np.zeros((0, NUM_NODES, 3)), np.zeros(0))
IMAGE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def net() -> BinaryDetector:
    built = build_binary_detector(width=2, reconstructor_width=2)
    initialise(built, "he", seed=1)
    return built.double().train()


@pytest.fixture
def architecture() -> BinaryArchitecture:
    found = BinaryArchitecture(NO_BUDGET)
    with torch.no_grad():
        found.strengths.copy_(torch.rand(NUM_NODES, 3, generator=torch.Generator().manual_seed(3)))
    return found.double()


def dense_logits(net: BinaryDetector, gates: Tensor) -> Tensor:
    """Every operation in the graph, times its gate: what Eq. 3.5 says, without any saving."""
    reconstruction = net.reconstructor(IMAGE)

    def node(number: int, x: Tensor) -> Tensor:
        return torch.stack(
            [gate * net.segmenter.operation(number, gene)(x) for gene, gate in enumerate(gates[number])]
        ).sum(dim=0)

    features = run_unet(torch.cat([reconstruction, IMAGE], dim=1), node)
    logits: Tensor = net.segmenter.head(features)
    return logits


def test_gradients_of_strengths_are_those_of_the_dense_network(
    net: BinaryDetector, architecture: BinaryArchitecture
) -> None:
    twin, weighing = copy.deepcopy(net), torch.rand(2, 1, 32, 32, dtype=torch.float64)
    gates = architecture.weights()[GATES].detach().requires_grad_()
    logits, expected_logits = net(IMAGE, architecture.weights())[1], dense_logits(twin, gates)
    torch.testing.assert_close(logits, expected_logits, rtol=1e-12, atol=1e-14)
    (mine,) = torch.autograd.grad((logits * weighing).sum(), [architecture.strengths])
    (expected,) = torch.autograd.grad((expected_logits * weighing).sum(), [gates])
    torch.testing.assert_close(mine, expected, rtol=1e-9, atol=1e-12)
    assert (mine != 0).all()


def test_along_gates_that_do_not_learn_only_the_path_runs(
    net: BinaryDetector, architecture: BinaryArchitecture
) -> None:
    twin = copy.deepcopy(net)
    weights = {GATES: architecture.weights()[GATES].detach()}
    assert torch.equal(net(IMAGE, weights)[1], twin(IMAGE, architecture.genes())[1])
    for mine, theirs in zip(net.buffers(), twin.buffers(), strict=True):
        assert torch.equal(mine, theirs)


def test_inactive_operations_keep_their_statistics_where_gates_learn(
    net: BinaryDetector, architecture: BinaryArchitecture
) -> None:
    before = copy.deepcopy(net.segmenter.state_dict())
    (grad,) = torch.autograd.grad(net(IMAGE, architecture.weights())[1].sum(), [architecture.strengths])
    assert grad.shape == (NUM_NODES, 3)
    after = net.segmenter.state_dict()
    for node, active in enumerate(architecture.genes()):
        for gene in range(3):
            name = f"nodes.{node}.{gene}.norm.running_mean"
            assert torch.equal(before[name], after[name]) == (gene != active)


def test_strengths_stay_within_0_and_1_and_choose_the_strongest(architecture: BinaryArchitecture) -> None:
    with torch.no_grad():
        architecture.strengths[0] = torch.tensor([-1.0, 3.0, 0.5])
    architecture.after_step()
    assert architecture.strengths[0].tolist() == [0.0, 1.0, 0.5]
    assert architecture.genes() == tuple(architecture.strengths.argmax(dim=1).tolist())
    assert torch.equal(architecture.weights()[GATES].argmax(dim=1), architecture.strengths.argmax(dim=1))
    assert architecture.weights()[GATES].sum() == NUM_NODES


@pytest.fixture(scope="module")
def costs() -> CostTable:
    return CostTable(width=4, reconstructor_width=4, size_hw=(64, 64))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_whatever_the_strengths_are_the_network_is_within_the_limits(costs: CostTable, share: float) -> None:
    low, high = costs.lowest(), costs.cost((0,) * NUM_NODES)
    macs_g = low.macs_g + share * (high.macs_g - low.macs_g)
    limits = LimitsRecipe(max_macs_g=macs_g, max_params_m=high.params / 1e6)
    architecture = BinaryArchitecture(budget_of(costs, limits))
    for seed in range(5):
        with torch.no_grad():
            rng = torch.Generator().manual_seed(seed)
            architecture.strengths.copy_(torch.rand(NUM_NODES, 3, generator=rng))
        assert violations(costs.cost(architecture.genes()), limits) == []
    if share == 1.0:
        assert architecture.genes() == tuple(architecture.strengths.argmax(dim=1).tolist())


def test_limits_that_nothing_meets_are_told(costs: CostTable) -> None:
    limits = LimitsRecipe(max_macs_g=0.99 * costs.lowest().macs_g)
    with pytest.raises(SearchSpaceError, match="no network of this space is within all limits together"):
        BinaryArchitecture(budget_of(costs, limits))
