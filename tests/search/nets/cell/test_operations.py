"""Every candidate keeps channels, divides by its stride, and leaves its input as it was."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from search.nets.cell.operations import COMPACT_NORM, SEARCH_NORM, FactorizedReduce, Norm, make_operation
from search.nets.cell.space import OPERATION_NAMES


@pytest.mark.parametrize("name", OPERATION_NAMES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("norm", [SEARCH_NORM, COMPACT_NORM])
def test_the_shape_and_an_untouched_input(name: str, stride: int, norm: Norm) -> None:
    operation = make_operation(name, 4, stride=stride, norm=norm)
    x = torch.randn(2, 4, 8, 8)
    before = x.clone()
    version = x._version
    assert operation(x).shape == (2, 4, 8 // stride, 8 // stride)
    assert torch.equal(x, before)
    assert x._version == version  # an operation in place would spoil what the gates read again


@pytest.mark.parametrize("name", OPERATION_NAMES)
def test_a_search_keeps_no_statistics_and_learns_no_scale(name: str) -> None:
    operation = make_operation(name, 4, stride=2)
    assert not list(operation.buffers())
    assert not [m for m in operation.modules() if isinstance(m, nn.BatchNorm2d) and m.affine]


@pytest.mark.parametrize(
    ("name", "parameters"),  # of 16 channels, counted by hand, BN without scale
    [
        ("none", 0),
        ("skip_connect", 0),
        ("conv_1x1", 256),
        ("conv_3x3", 9 * 256),
        ("conv_3x1_1x3", 6 * 256),
        ("sep_3x3", 2 * (9 * 16 + 256)),
        ("sep_5x5", 2 * (25 * 16 + 256)),
        ("sep_7x7", 2 * (49 * 16 + 256)),
        ("dil_conv_3x3", 9 * 16 + 256),
        ("dil_conv_5x5", 25 * 16 + 256),
        ("max_pool_5x5", 0),
    ],
)
def test_the_number_of_parameters(name: str, parameters: int) -> None:
    assert sum(p.numel() for p in make_operation(name, 16).parameters()) == parameters


@pytest.mark.parametrize(("name", "reach"), [("dil_conv_3x3", 5), ("dil_conv_5x5", 9), ("sep_7x7", 13)])
def test_the_field_of_view(name: str, reach: int) -> None:
    operation = make_operation(name, 1, norm=COMPACT_NORM).eval()
    x = torch.ones(1, 1, 21, 21, requires_grad=True)
    operation(x)[0, 0, 10, 10].backward()
    assert x.grad is not None
    rows = x.grad[0, 0].abs().sum(dim=1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == reach


def test_a_strided_1x1_convolution_is_that_of_every_second_pixel() -> None:
    operation = make_operation("conv_1x1", 3, stride=2)
    assert isinstance(operation, nn.Sequential)
    conv = operation[2]
    assert isinstance(conv, nn.Conv2d)
    x = torch.randn(2, 3, 8, 8)
    strided = nn.functional.conv2d(x.relu(), conv.weight, stride=2)
    assert torch.allclose(operation[:3](x), strided, atol=1e-6)


def test_a_factorized_reduction_sees_pixels_of_both_phases() -> None:
    x = torch.ones(1, 2, 4, 4, requires_grad=True)
    FactorizedReduce(2, 4, norm=COMPACT_NORM).eval()(x).sum().backward()
    assert x.grad is not None
    seen = x.grad[0, 0] != 0
    assert seen[0::2, 0::2].all()
    assert seen[1::2, 1::2].all()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", ["avg_pool_3x3", "max_pool_3x3", "max_pool_5x5", "max_pool_7x7"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_pooling_gives_the_same_with_and_without_a_graph(
    name: str, stride: int, dtype: torch.dtype
) -> None:
    operation = make_operation(name, 6, stride=stride, norm=COMPACT_NORM)
    x = torch.randn(3, 6, 10, 10, dtype=dtype, requires_grad=True)
    with_graph = operation(x)
    with torch.no_grad():
        without = operation(x)
    assert torch.equal(with_graph, without)
    assert without.is_contiguous()


def test_an_unknown_operation() -> None:
    with pytest.raises(ValueError, match="no operation 'sep_9x9'"):
        make_operation("sep_9x9", 4)
