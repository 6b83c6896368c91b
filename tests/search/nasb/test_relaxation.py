"""What each method makes of A, and how gradients come back to it."""

from __future__ import annotations

import pytest
import torch

from search.nasb.methods import METHODS
from search.nasb.relaxation import active_pairs, binary, concrete, partial_softmax, softmax


def test_binary_gates_are_one_where_active_and_pass_gradients_as_they_are() -> None:
    matrix = torch.randn(14, 8, requires_grad=True)
    weights = binary(matrix)
    assert weights.gates is not None
    assert weights.active == active_pairs(matrix)
    ones = {(int(e), int(k)) for e, k in weights.gates.nonzero()}
    assert ones == set(weights.active or ())
    assert len(ones) == 8
    factor = torch.randn(14, 8)
    (grad,) = torch.autograd.grad((weights.gates * factor).sum(), [matrix])
    assert torch.equal(grad, factor)


def test_without_a_graph_binary_gates_do_not_learn() -> None:
    with torch.no_grad():
        weights = binary(torch.randn(14, 8, requires_grad=True))
    assert weights.gates is not None
    assert not weights.gates.requires_grad


def test_softmax_over_operations_and_over_the_edges_of_each_node() -> None:
    matrix, edges = torch.randn(14, 8), torch.randn(14)
    weights = partial_softmax(matrix, edges)
    assert weights.gates is not None
    assert weights.edges is not None
    assert torch.allclose(weights.gates.sum(dim=1), torch.ones(14))
    for first, last in ((0, 2), (2, 5), (5, 9), (9, 14)):
        assert torch.allclose(weights.edges[first:last], edges[first:last].softmax(dim=0))
    plain = softmax(matrix).gates
    assert plain is not None
    assert torch.equal(plain, weights.gates)


@pytest.mark.parametrize("temperature", [1.0, 0.33])
def test_concrete_samples_choose_operations_as_often_as_the_softmax_says(temperature: float) -> None:
    """The largest entry of a concrete sample is distributed as the categorical, whatever the temperature."""
    logits = torch.tensor([0.0, 1.0, -1.0])
    gates = concrete(temperature=temperature)(logits.repeat(20000, 1), None).gates
    assert gates is not None
    assert torch.allclose(gates.sum(dim=1), torch.ones(20000), atol=1e-5)
    shares = torch.bincount(gates.argmax(dim=1), minlength=3) / 20000
    assert torch.allclose(shares, logits.softmax(dim=0), atol=0.015)


def test_snas_cools_down() -> None:
    torch.manual_seed(0)
    matrix = torch.zeros(1000, 8)
    largest = []
    for progress in (0.0, 0.5, 1.0):
        gates = METHODS["snas"].relaxation(progress)(matrix, None).gates
        assert gates is not None
        largest.append(float(gates.max(dim=1).values.mean()))
    assert largest == sorted(largest)
