"""Kept bytes are counted once a storage, and NASB keeps little more than the network that it searches."""

from __future__ import annotations

import gc
import weakref

import torch
from torch import Tensor
from torch.nn import functional as F

from search.nasb.activation_memory import kept_bytes
from search.nasb.nodes import BinaryNode, ProximalNode
from search.nasb.relaxation import binary
from search.nets.cell.nodes import MakeNode, PathNode
from search.nets.cell.weights import CellWeights
from tests.search.nasb.supernets import images, labels, make_architecture, make_supernet


def test_each_storage_counts_once_and_what_is_beside_not() -> None:
    weight = torch.randn(10, requires_grad=True)
    x = torch.randn(10)

    def forward() -> Tensor:
        squared = (weight * x).square()  # keeps x, weight's other factor, and the product
        return (squared * squared).sum()  # keeps `squared` twice, but it is one storage

    assert kept_bytes(forward) == 3 * 10 * 4
    assert kept_bytes(forward, beside=[x]) == 2 * 10 * 4


def test_nothing_of_the_graph_outlives_the_measurement() -> None:
    """A saved output that was handed back as it is held its own node, and so the whole graph, for ever."""
    weight = torch.randn(10, requires_grad=True)
    outputs: list[weakref.ref[Tensor]] = []

    def forward() -> Tensor:
        output = weight.exp()  # saves its output
        outputs.append(weakref.ref(output))
        return output.sum()

    gc.disable()
    try:
        kept_bytes(forward)
        assert outputs[0]() is None
    finally:
        gc.enable()


def test_nasb_keeps_a_part_of_nasp_and_little_more_than_the_plain_path() -> None:
    def of(make_node: MakeNode, *, gated: bool) -> int:
        net, architecture = make_supernet(make_node), make_architecture()
        image = images(8)

        def loss() -> Tensor:
            weights = architecture.weights(binary)
            if not gated:
                weights = [CellWeights(active=one.active) for one in weights]
            return F.cross_entropy(net(image, weights), labels(8))

        return kept_bytes(loss, beside=[image, *net.parameters(), *architecture.parameters()])

    binary_bytes = of(BinaryNode, gated=True)
    assert binary_bytes <= 0.25 * of(ProximalNode, gated=True)
    assert binary_bytes <= 1.3 * of(PathNode, gated=False)
