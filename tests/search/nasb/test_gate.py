"""Gradients computed behind the forward pass are those of the dense gated network, and leave no trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nasb.gate import with_gate_gradients
from search.nasb.nodes import BinaryNode
from search.nasb.relaxation import active_pairs, binary
from search.nets.cell.nodes import DenseNode, NodePlan
from search.nets.cell.operations import SEARCH_NORM, Norm
from search.nets.cell.space import DARTS_OPERATIONS, NASB_OPERATIONS, OperationSet
from search.nets.cell.weights import CellWeights
from tests.search.nasb.supernets import (
    Noisy,
    images,
    labels,
    make_architecture,
    make_supernet,
    zero_for_none,
)

AFFINE = Norm(affine=True, track_running_stats=True, after_pool=True)
PLAN = NodePlan(strides=(1, 1, 1), operations=NASB_OPERATIONS.normal, channels=4)


def all_gradients(
    make_node: Callable[[NodePlan], nn.Module], operations: OperationSet, seed: int, norm: Norm
) -> list[Tensor]:
    """Gradients of architecture, weights and image, and the loss, in double precision."""
    net = make_supernet(make_node, operations=operations, norm=norm).double()
    architecture = make_architecture(operations, seed=seed).double()
    image = images(dtype=torch.float64).requires_grad_()
    loss = F.cross_entropy(net(image, architecture.weights(binary)), labels())
    of, weights = list(architecture.parameters()), list(net.parameters())
    found = torch.autograd.grad(loss, [*of, *weights, image], allow_unused=True)
    return [*zero_for_none(found, [*of, *weights, image]), loss.detach()]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", [SEARCH_NORM, AFFINE], ids=["search", "affine"])
@pytest.mark.parametrize("operations", [NASB_OPERATIONS, DARTS_OPERATIONS], ids=lambda one: one.name)
def test_all_gradients_are_those_of_the_dense_gated_network(
    operations: OperationSet, norm: Norm, seed: int
) -> None:
    sparse = all_gradients(BinaryNode, operations, seed, norm)
    dense = all_gradients(DenseNode, operations, seed, norm)
    assert len(sparse) == len(dense) > 40
    for ours, theirs in zip(sparse, dense, strict=True):
        assert torch.equal(ours, theirs)


def test_inactive_edges_get_a_gradient_too() -> None:
    operations = NASB_OPERATIONS
    architecture = make_architecture()
    net = make_supernet(BinaryNode)
    loss = F.cross_entropy(net(images(), architecture.weights(binary)), labels())
    (grad,) = torch.autograd.grad(loss, [architecture.normal[0]])
    active_edges = {edge for edge, _ in active_pairs(architecture.normal[0])}
    inactive = [edge for edge in range(14) if edge not in active_edges]
    assert len(inactive) == 6
    assert (grad[inactive].abs() > 0).all()
    assert grad.shape == (14, len(operations.normal))


def test_gates_of_whole_backward_calls_add_up() -> None:
    """`backward()` accumulates into A, over all cells of one structure."""
    architecture = make_architecture()
    net = make_supernet(BinaryNode)

    def loss() -> Tensor:
        return F.cross_entropy(net(images(), architecture.weights(binary)), labels())

    wanted = torch.autograd.grad(loss(), list(architecture.parameters()))
    torch.autograd.backward(loss())
    torch.autograd.backward(loss())
    for parameter, once in zip(architecture.parameters(), wanted, strict=True):
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, 2.0 * once)


def test_weights_pass_nothing_through_the_gates() -> None:
    """Pitfall: a path that lists only the detached input would leave the weights without gradients."""
    architecture = make_architecture()
    net = make_supernet(BinaryNode)
    found = active_pairs(architecture.normal[0])
    torch.autograd.backward(F.cross_entropy(net(images(), architecture.weights(binary)), labels()))
    cell = net.stages()[1]
    for edge, number in found:
        node = next(node for node in range(2, 6) if edge < (node + 2) * (node - 1) // 2)
        operation = cell.nodes[node - 2].candidate(edge - (node + 1) * (node - 2) // 2, number)  # type: ignore[index,union-attr]
        assert all(parameter.grad is not None for parameter in operation.parameters())


def test_statistics_of_normalisation_stay() -> None:
    """Pitfall 1: BN in training updates its statistics even without a graph."""
    node = BinaryNode(NodePlan((1, 1), NASB_OPERATIONS.normal, 4, norm=AFFINE))
    x = torch.randn(4, 4, 8, 8)
    gates = torch.zeros(2, 8, requires_grad=True)
    output = node([x, x], CellWeights(gates=gates, active=((0, 3), (1, 4))))
    before = {name: buffer.clone() for name, buffer in node.named_buffers()}
    torch.autograd.backward(output.square().sum())
    assert gates.grad is not None
    assert (gates.grad != 0).all()
    for name, buffer in node.named_buffers():
        assert torch.equal(buffer, before[name]), name
    assert all(m.track_running_stats for m in node.modules() if isinstance(m, nn.BatchNorm2d))


def test_in_evaluation_the_kept_statistics_are_used() -> None:
    node = BinaryNode(NodePlan((1,), ("conv_1x1", "conv_3x3"), 4, norm=AFFINE)).eval()
    gates = torch.ones(1, 2, requires_grad=True)
    x = torch.randn(4, 4, 8, 8)
    torch.autograd.backward(node([x], CellWeights(gates=gates, active=((0, 0),))).sum())
    assert gates.grad is not None
    for number in range(2):
        assert torch.allclose(gates.grad[0, number], node.candidate(0, number)(x).sum(), rtol=1e-4)


def test_random_streams_do_not_advance() -> None:
    """Pitfall 2: what is drawn during the recomputation must not move the training's own stream."""
    candidates = [[Noisy(4), nn.Identity()], [Noisy(4), nn.Identity()]]
    gates = torch.zeros(2, 2, requires_grad=True)
    x = torch.randn(4, 4, 8, 8, requires_grad=True)
    output = with_gate_gradients(x + x, gates, [x, x], candidates)
    torch.manual_seed(7)
    torch.autograd.backward(output.sum())
    after = torch.rand(3)
    torch.manual_seed(7)
    assert torch.equal(after, torch.rand(3))


def test_the_recomputation_runs_under_the_autocast_of_the_forward_pass() -> None:
    """Pitfall 3: autocast is off in a backward pass, whatever it was before."""
    seen: list[torch.dtype] = []

    class Spy(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            output = super().forward(x)
            seen.append(output.dtype)
            return output

    gates = torch.zeros(1, 2, requires_grad=True)
    x = torch.randn(4, 4, 8, 8, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = with_gate_gradients(x.clone(), gates, [x], [[Spy(4, 4, 1), nn.Identity()]])
        torch.autograd.backward(output.float().sum())  # on a CPU this is still inside
        assert torch.is_autocast_enabled("cpu")
    output = with_gate_gradients(x.clone(), gates, [x], [[Spy(4, 4, 1), nn.Identity()]])
    torch.autograd.backward(output.float().sum())
    assert seen == [torch.bfloat16, torch.float32]
    assert gates.grad is not None
    assert gates.grad.dtype == torch.float32


def test_products_of_half_precision_are_added_in_single_precision() -> None:
    gates = torch.zeros(1, 1, requires_grad=True)
    x = torch.ones(1, 1, 100, 100, dtype=torch.bfloat16, requires_grad=True)
    output = with_gate_gradients(x.clone(), gates, [x], [[nn.Identity()]])
    torch.autograd.backward(output.sum())
    assert gates.grad is not None
    assert float(gates.grad) == 10000.0  # the nearest bfloat16 is 9984


def test_an_input_that_was_changed_in_place_is_refused() -> None:
    """Pitfall 4: the saved input must be what the forward pass saw."""
    gates = torch.zeros(1, 2, requires_grad=True)
    x = torch.randn(2, 4, 8, 8)
    output = with_gate_gradients(x.clone(), gates, [x], [[nn.ReLU(), nn.Identity()]])
    x.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.backward(output.sum())


def test_weights_of_inactive_operations_have_no_gradient_and_do_not_decay() -> None:
    """Pitfall 5: the dense network gives them zeros, with which SGD still decays them."""
    changed: dict[str, int] = {}
    for name, make_node in (("binary", BinaryNode), ("dense", DenseNode)):
        net = make_supernet(make_node)
        weights = list(net.parameters())
        before = [weight.detach().clone() for weight in weights]
        optimizer = torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=0.1)
        weights_of_cells = make_architecture().weights(binary)
        torch.autograd.backward(F.cross_entropy(net(images(), weights_of_cells), labels()))
        optimizer.step()
        changed[name] = sum(not torch.equal(old, new) for old, new in zip(before, weights, strict=True))
    assert changed["dense"] == len(before)
    assert changed["binary"] < len(before) / 2


def test_a_second_derivative_is_refused() -> None:
    gates = torch.zeros(1, 1, requires_grad=True)
    x = torch.randn(2, 2, 4, 4, requires_grad=True)
    output = with_gate_gradients(x * x, gates, [x], [[nn.Tanh()]])
    (grad,) = torch.autograd.grad(output.square().sum(), [gates], create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        torch.autograd.backward(grad.sum())


def test_without_learning_gates_nothing_is_added_to_the_graph() -> None:
    x = torch.randn(2, 2, 4, 4, requires_grad=True)
    output = x * 2.0
    assert with_gate_gradients(output, torch.zeros(1, 1), [x], [[nn.Tanh()]]) is output


def test_gates_that_do_not_fit_are_refused() -> None:
    x = torch.randn(2, 2, 4, 4)
    with pytest.raises(ValueError, match="gates of shape"):
        with_gate_gradients(x, torch.zeros(2, 2, requires_grad=True), [x], [[nn.Tanh(), nn.ReLU()]])
