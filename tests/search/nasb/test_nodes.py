"""Each method's mixed operation is what its paper says, computed here in another way."""

from __future__ import annotations

import torch
from torch import nn

from search.nasb.nodes import BinaryNode, PartialNode, ProximalNode, shuffle_channels
from search.nets.cell.nodes import NodePlan
from search.nets.cell.space import NASB_OPERATIONS
from search.nets.cell.weights import CellWeights

PLAN = NodePlan(strides=(1, 1), operations=NASB_OPERATIONS.normal, channels=8)


def test_a_proximal_node_runs_everything_only_where_gates_learn() -> None:
    node = ProximalNode(PLAN)
    x = torch.randn(2, 8, 4, 4)
    gates = torch.zeros(2, 8)
    gates[0, 3] = gates[1, 5] = 1.0
    calls: list[nn.Module] = []
    for of_edge in node.candidates:
        assert isinstance(of_edge, nn.ModuleList)
        for operation in of_edge:
            operation.register_forward_hook(lambda module, *_: calls.append(module))
    still = node([x, x], CellWeights(gates=gates, active=((0, 3), (1, 5))))
    assert len(calls) == 2
    calls.clear()
    learning = node([x, x], CellWeights(gates=gates.clone().requires_grad_(), active=((0, 3), (1, 5))))
    assert len(calls) == 16
    assert torch.equal(still, learning)


def test_a_binary_node_runs_the_active_ones_and_in_the_backward_pass_all() -> None:
    node = BinaryNode(PLAN)
    calls: list[nn.Module] = []
    for of_edge in node.candidates:
        assert isinstance(of_edge, nn.ModuleList)
        for operation in of_edge:
            operation.register_forward_hook(lambda module, *_: calls.append(module))
    x = torch.randn(2, 8, 4, 4)
    gates = torch.zeros(2, 8, requires_grad=True)
    output = node([x, x], CellWeights(gates=gates, active=((0, 3), (1, 5))))
    assert calls == [node.candidate(0, 3), node.candidate(1, 5)]
    torch.autograd.backward(output.sum())
    assert len(calls) == 2 + 16


def test_a_partial_node_mixes_a_quarter_of_the_channels_and_passes_the_others() -> None:
    node = PartialNode(PLAN)
    x, y = torch.randn(2, 8, 4, 4), torch.randn(2, 8, 4, 4)
    gates, edges = torch.rand(2, 8), torch.rand(2)
    wanted = torch.zeros(2, 8, 4, 4)
    for edge, one in enumerate((x, y)):
        mixed = sum(gates[edge, k] * node.candidate(edge, k)(one[:, :2]) for k in range(8))
        assert isinstance(mixed, torch.Tensor)
        joined = torch.cat([mixed, one[:, 2:]], dim=1)
        dealt = torch.stack([joined[:, g * 2 + c] for c in range(2) for g in range(4)], dim=1)
        wanted = wanted + edges[edge] * dealt
    assert torch.allclose(node([x, y], CellWeights(gates=gates, edges=edges)), wanted, atol=1e-5)


def test_a_partial_node_of_a_reduce_cell_halves_what_goes_round() -> None:
    node = PartialNode(NodePlan((2, 2, 1), NASB_OPERATIONS.reduce, 8))
    inputs = [torch.randn(2, 8, 8, 8), torch.randn(2, 8, 8, 8), torch.randn(2, 8, 4, 4)]
    weights = CellWeights(gates=torch.rand(3, 5), edges=torch.rand(3))
    assert node(inputs, weights).shape == (2, 8, 4, 4)


def test_a_shuffle_is_a_permutation_that_mixes_the_groups() -> None:
    channels = torch.arange(8.0).view(1, 8, 1, 1)
    assert shuffle_channels(channels, groups=4).flatten().tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
