"""Pitfall 6: most weights of a binary supernet get no gradient in a step; data parallelism must be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributed import destroy_process_group, init_process_group
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from search.nasb.nodes import BinaryNode
from search.nasb.relaxation import binary
from tests.search.nasb.supernets import images, labels, make_architecture, make_supernet


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    destroy_process_group()


def two_steps(net: nn.Module) -> None:
    for _ in range(2):
        weights = make_architecture().weights(binary)
        torch.autograd.backward(cross_entropy(net(images(), weights), labels()))


@pytest.mark.usefixtures("one_process")
def test_without_being_told_the_second_step_fails() -> None:
    net = DistributedDataParallel(make_supernet(BinaryNode))
    with pytest.raises(RuntimeError, match="find_unused_parameters"):
        two_steps(net)


@pytest.mark.usefixtures("one_process")
def test_told_it_trains_and_leaves_the_inactive_ones_without_a_gradient() -> None:
    supernet = make_supernet(BinaryNode)
    two_steps(DistributedDataParallel(supernet, find_unused_parameters=True))
    with_gradient = [parameter.grad is not None for parameter in supernet.parameters()]
    assert any(with_gradient)
    assert not all(with_gradient)
