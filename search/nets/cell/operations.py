"""The candidate operations of an edge, from C to C channels; a stride of 2 halves rows and columns.

Source: [D] Table 3.1; DARTS and NASP for what each name stands for.
Differs from the source: a strided 1x1 convolution takes every second pixel of its input first. The values
are the same, and it does not meet the backward pass of torch 2.14 that writes past its memory (channels-last,
CPU).

Shape letters:  B batch   C input channels   K output channels   H, W rows, columns

No operation works in place: their inputs are read again during the backward pass (see search.nasb.gate).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from search.nets.cell.space import OPERATION_NAMES


@dataclass(frozen=True)
class Norm:
    """How batch normalisation is built.

    Args:
        affine: It learns a scale and a shift.
        track_running_stats: It keeps statistics for evaluation; else it always takes those of the batch.
        after_pool: Poolings are normalised too, so that their scale can be compared with a convolution's.
    """

    affine: bool
    track_running_stats: bool
    after_pool: bool

    def make(self, channels: int) -> nn.BatchNorm2d:
        return nn.BatchNorm2d(channels, affine=self.affine, track_running_stats=self.track_running_stats)


# In a search every step mixes operations in another way: scales would fit none, nor would statistics.
SEARCH_NORM = Norm(affine=False, track_running_stats=False, after_pool=True)
COMPACT_NORM = Norm(affine=True, track_running_stats=True, after_pool=False)


class Zero(nn.Module):
    """No edge: zeros of the output's shape, with a gradient of zero."""

    def __init__(self, *, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x[..., :: self.stride, :: self.stride] * 0.0


class EverySecond(nn.Module):
    """Every second pixel, from pixel `first` on."""

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.first = first

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, C, H / 2, W / 2)
        return x[..., self.first :: 2, self.first :: 2]


class FactorizedReduce(nn.Module):
    """ReLU, two 1x1 convolutions on every second pixel, one of them a pixel further, BN.

    H and W must be even.
    """

    def __init__(self, in_channels: int, out_channels: int, *, norm: Norm) -> None:
        super().__init__()
        half = out_channels // 2
        self.relu = nn.ReLU()
        self.here = nn.Sequential(EverySecond(), nn.Conv2d(in_channels, half, 1, bias=False))
        self.aside = nn.Sequential(EverySecond(1), nn.Conv2d(in_channels, out_channels - half, 1, bias=False))
        self.norm = norm.make(out_channels)

    def forward(self, x: Tensor) -> Tensor:  # (B, C, H, W) -> (B, K, H / 2, W / 2)
        x = self.relu(x)
        normed: Tensor = self.norm(torch.cat([self.here(x), self.aside(x)], dim=1))
        return normed


class Pool(nn.Module):
    """Pooling of `size` x `size` pixels, the border left out of every mean.

    Without a graph a CPU runs it in channels-last layout: the same values, several times faster. In a graph
    it takes the input as it lies, which is kept for the backward pass: another layout would be a copy more.
    """

    def __init__(self, kind: Literal["avg", "max"], size: int, *, stride: int) -> None:
        super().__init__()
        self.pool: nn.Module
        if kind == "avg":
            self.pool = nn.AvgPool2d(size, stride, padding=size // 2, count_include_pad=False)
        else:
            self.pool = nn.MaxPool2d(size, stride, padding=size // 2)

    def forward(self, x: Tensor) -> Tensor:
        if torch.is_grad_enabled() or x.device.type != "cpu":
            pooled: Tensor = self.pool(x)
            return pooled
        pooled = self.pool(x.contiguous(memory_format=torch.channels_last))
        return pooled.contiguous()


def relu_conv_norm(in_channels: int, out_channels: int, *, norm: Norm) -> nn.Module:
    """Return ReLU, 1x1 convolution, BN: it brings a cell's input to the cell's channels."""
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(in_channels, out_channels, 1, bias=False), norm.make(out_channels)
    )


def make_operation(name: str, channels: int, *, stride: int = 1, norm: Norm = SEARCH_NORM) -> nn.Module:
    """Return operation `name` of an edge, (B, C, H, W) -> (B, C, H / stride, W / stride).

    Args:
        stride: 1 or 2.

    Raises:
        ValueError: there is no such operation.
    """
    if name not in OPERATION_NAMES:
        raise ValueError(f"there is no operation {name!r}; the operations are {', '.join(OPERATION_NAMES)}")
    if name == "none":
        return Zero(stride=stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, norm=norm)
    size = int(name[-1])
    if name.endswith(f"pool_{size}x{size}"):
        return _pool(name, channels, size, stride=stride, norm=norm)
    return nn.Sequential(*_filters(name, channels, size, stride=stride, norm=norm))


def _pool(name: str, channels: int, size: int, *, stride: int, norm: Norm) -> nn.Module:
    pool = Pool("avg" if name.startswith("avg") else "max", size, stride=stride)
    return nn.Sequential(pool, norm.make(channels)) if norm.after_pool else pool


def _filters(name: str, channels: int, size: int, *, stride: int, norm: Norm) -> list[nn.Module]:
    if name.startswith("sep"):  # two separable convolutions, the first of which may halve
        return [
            *_separable(channels, size, stride=stride, dilation=1, norm=norm),
            *_separable(channels, size, stride=1, dilation=1, norm=norm),
        ]
    if name.startswith("dil_conv"):
        return _separable(channels, size, stride=stride, dilation=2, norm=norm)
    if name == "conv_3x1_1x3":
        filters = [
            nn.Conv2d(channels, channels, (1, 3), (1, stride), (0, 1), bias=False),
            nn.Conv2d(channels, channels, (3, 1), (stride, 1), (1, 0), bias=False),
        ]
        return [nn.ReLU(), *filters, norm.make(channels)]
    if name == "conv_1x1":
        chosen: list[nn.Module] = [EverySecond()] if stride == 2 else []
        return [nn.ReLU(), *chosen, nn.Conv2d(channels, channels, 1, bias=False), norm.make(channels)]
    conv = nn.Conv2d(channels, channels, size, stride, padding=size // 2, bias=False)
    return [nn.ReLU(), conv, norm.make(channels)]


def _separable(channels: int, size: int, *, stride: int, dilation: int, norm: Norm) -> list[nn.Module]:
    depthwise = nn.Conv2d(
        channels,
        channels,
        size,
        stride,
        padding=dilation * (size // 2),
        dilation=dilation,
        groups=channels,
        bias=False,
    )
    return [nn.ReLU(), depthwise, nn.Conv2d(channels, channels, 1, bias=False), norm.make(channels)]
