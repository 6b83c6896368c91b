"""CMP of the cell supernet, with each kind of node that a search method has."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inspector.errors import InputError
from search.cmp.cells import classification, cut_cells, mixture_of
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.passes import Batch
from search.cmp.sequential import ModelParallel, Parallelism
from search.nasb.nodes import BinaryNode, PartialNode, ProximalNode
from search.nasb.relaxation import binary, partial_softmax, softmax
from search.nets.cell.architecture import Architecture, Relax
from search.nets.cell.nodes import DenseNode, MakeNode
from search.nets.cell.space import NASB_OPERATIONS
from search.nets.cell.supernet import CellSupernet

CPU = torch.device("cpu")
METHODS: dict[str, tuple[MakeNode, Relax]] = {
    "darts": (DenseNode, softmax),
    "nasp": (ProximalNode, binary),
    "pc-darts": (PartialNode, partial_softmax),
    "nasb": (BinaryNode, binary),
}


class Search:
    """A supernet of 3 cells and its architecture, from one seed."""

    def __init__(self, method: str, *, dtype: torch.dtype = torch.float32) -> None:
        make_node, self.relax = METHODS[method]
        torch.manual_seed(0)
        self.net = CellSupernet(make_node, num_cells=3, channels=4, num_nodes=4).to(dtype)
        self.architecture = Architecture(
            NASB_OPERATIONS, num_cells=3, seed=1, num_nodes=4, with_edges=method == "pc-darts"
        ).to(dtype)

    def gradients(
        self, parallelism: Parallelism, *, dtype: torch.dtype = torch.float32
    ) -> list[Tensor | None]:
        mixture = mixture_of(self.net.stages(), self.architecture.weights(self.relax))
        parallelism.gradients(train=batch(1, dtype), valid=batch(2, dtype), mixture=mixture)
        return [one.grad for one in (*self.net.parameters(), *self.architecture.parameters())]


def batch(seed: int, dtype: torch.dtype) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return Batch(
        torch.randn(4, 3, 8, 8, generator=generator, dtype=dtype),
        torch.randint(0, 10, (4,), generator=generator),
    )


def assert_equal(found: list[Tensor | None], expected: list[Tensor | None]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        assert one is None or other is None or torch.equal(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_consecutive_cells_equal_sequential_ones_to_the_last_bit(method: str) -> None:
    one, other = Search(method), Search(method)
    expected = one.gradients(ModelParallel(cut_cells(one.net, [CPU, CPU]), classification))
    with ConsecutiveParallel(cut_cells(other.net, [CPU, CPU]), classification) as consecutive:
        found = other.gradients(consecutive)
    assert_equal(found, expected)
    assert all(a.grad is not None and a.grad.any() for a in one.architecture.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_cells_in_partitions_have_the_gradients_of_the_whole_supernet(method: str) -> None:
    double = torch.float64
    divided, whole = Search(method, dtype=double), Search(method, dtype=double)
    divided.gradients(ModelParallel(cut_cells(divided.net, [CPU] * 3), classification), dtype=double)
    weights = whole.architecture.weights(whole.relax)
    train, valid = batch(1, double), batch(2, double)
    logits = whole.net(valid.inputs, weights)
    classification((logits,), valid.target).backward()  # type: ignore[no-untyped-call]
    for mine, expected in zip(
        divided.architecture.parameters(), whole.architecture.parameters(), strict=True
    ):
        torch.testing.assert_close(mine.grad, expected.grad, rtol=1e-9, atol=1e-12)
    whole.net.zero_grad()
    logits = whole.net(train.inputs, whole.architecture.weights(whole.relax))
    classification((logits,), train.target).backward()  # type: ignore[no-untyped-call]
    for weight, expected in zip(divided.net.parameters(), whole.net.parameters(), strict=True):
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, expected.grad, rtol=1e-9, atol=1e-12)


def test_more_partitions_than_cells() -> None:
    with pytest.raises(InputError, match="4 partitions are more than the 3 cells"):
        cut_cells(Search("nasb").net, [CPU] * 4)
