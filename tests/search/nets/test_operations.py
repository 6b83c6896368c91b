"""The candidate operations: the fast form of an atrous convolution gives the plain one's answers."""

import pytest
import torch
from torch.nn import functional as F

from search.nets.operations import SeparableConv, atrous_by_phases


@pytest.mark.parametrize("shape", [(2, 3, 8, 12), (1, 5, 2, 2), (3, 1, 16, 6)])
def test_atrous_by_phases_equals_the_dilated_convolution_and_its_gradients(shape):
    generator = torch.Generator().manual_seed(0)
    channels = shape[1]
    x = torch.randn(shape, generator=generator, dtype=torch.double, requires_grad=True)
    weight = torch.randn((channels, 1, 3, 3), generator=generator, dtype=torch.double, requires_grad=True)
    by_phases = atrous_by_phases(x, weight)
    dilated = F.conv2d(x, weight, padding=2, dilation=2, groups=channels)
    torch.testing.assert_close(by_phases, dilated, rtol=0, atol=1e-13)
    upstream = torch.randn(shape, generator=generator, dtype=torch.double)
    for fast, plain in zip(
        torch.autograd.grad(by_phases, (x, weight), upstream),
        torch.autograd.grad(dilated, (x, weight), upstream),
        strict=True,
    ):
        torch.testing.assert_close(fast, plain, rtol=0, atol=1e-12)


def test_an_atrous_operation_on_odd_sizes_trains_too():
    net = SeparableConv(4, 6, dilation=2).train()
    assert net(torch.rand(2, 4, 7, 9)).shape == (2, 6, 7, 9)
