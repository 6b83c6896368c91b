"""Weights that serve several widths: a narrow network is the leading channels of a wide one.

A weight is kept in blocks, one parameter each, cut where the widths end. A path joins the blocks that its
width needs; the others get no gradient, so no optimiser touches them.

Source: slimmable networks (ICLR 2019) share leading channels; single-path one-shot NAS (SPOS), Sec. 3.
Differs from the source: blocks instead of one tensor, because Adam moves also what has a gradient of zero.
BN statistics are of one width each; a candidate measures its own afresh, as in the space `unet`.

Shape letters:  B batch   C input channels   K output channels   H, W rows, columns
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.operations import atrous_by_phases, is_faster_by_phases
from search.nets.spec import WIDTH_SHARES

Blocks = tuple[int, ...]
Initialisation = Literal["he", "draem"]
DRAEM_STD = 0.02


def cut(channels: int) -> Blocks:
    """Cut channels where the widths end.

    >>> cut(64)
    (16, 16, 32)
    """
    ends = [0, *(int(channels * share) for share in WIDTH_SHARES)]
    return tuple(end - start for start, end in pairwise(ends))


class SlicedWeight(nn.Module):
    """The kernel of a dense convolution, (K, C, k, k), drawn for the widest.

    Args:
        inputs: Blocks of each tensor that is joined to the input; a single block is never cut.
    """

    def __init__(self, out: Blocks, inputs: Sequence[Blocks], *, kernel: int) -> None:
        super().__init__()
        columns = [block for part in inputs for block in part]
        self.fan_in = sum(columns) * kernel**2
        self._num_rows = len(out)
        self._levels = _levels(inputs)
        self.blocks = nn.ParameterList(
            torch.randn(k, c, kernel, kernel) * self.fan_in**-0.5 for k in out for c in columns
        )

    def draw(self, how: Initialisation, generator: torch.Generator) -> None:
        """Draw fresh weights in place."""
        _draw(self.blocks, how, generator, fan_in=self.fan_in)

    def forward(self, level: int) -> Tensor:
        """Return the kernel at a width: index into `WIDTH_SHARES`."""
        columns = [column for column, first in enumerate(self._levels) if first <= level]
        rows = range(min(self._num_rows, level + 1))
        size = len(self._levels)
        return torch.cat(
            [torch.cat([self.blocks[row * size + column] for column in columns], dim=1) for row in rows]
        )


class SlicedChannels(nn.Module):
    """What each channel has of its own, from what `values` gives for a number of channels."""

    def __init__(self, parts: Sequence[Blocks], values: Callable[[int], Tensor]) -> None:
        super().__init__()
        self._levels = _levels(parts)
        self.blocks = nn.ParameterList(values(block) for part in parts for block in part)

    def forward(self, level: int) -> Tensor:
        """Return the values of all channels at a width."""
        return torch.cat([self.blocks[i] for i, first in enumerate(self._levels) if first <= level])


class SlicedKernel(SlicedChannels):
    """The kernel of a depthwise convolution, (C, 1, 3, 3)."""

    def __init__(self, inputs: Sequence[Blocks]) -> None:
        super().__init__(inputs, lambda block: torch.randn(block, 1, 3, 3) / 3)

    def draw(self, how: Initialisation, generator: torch.Generator) -> None:
        """Draw fresh weights in place."""
        _draw(self.blocks, how, generator, fan_in=9)


class Statistics(nn.BatchNorm2d):
    """The statistics of one width; scale and shift come with the input."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)

    def normalise(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Do what `nn.BatchNorm2d` does with this scale and shift, (C,)."""
        assert self.num_batches_tracked is not None
        factor = 0.0
        if self.training:
            self.num_batches_tracked.add_(1)
            factor = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        return F.batch_norm(
            x, self.running_mean, self.running_var, scale, shift, self.training, factor, self.eps
        )


class SlicedNorm(nn.Module):
    """Batch normalisation whose scales and shifts serve several widths."""

    def __init__(self, channels: Blocks) -> None:
        super().__init__()
        self.statistics = nn.ModuleList(
            Statistics(sum(channels[: level + 1])) for level in range(len(channels))
        )
        self.weight = SlicedChannels([channels], torch.ones)
        self.bias = SlicedChannels([channels], torch.zeros)

    def draw(self, how: Initialisation, generator: torch.Generator) -> None:
        """Draw fresh scales in place: 1, or N(1, 0.02) as DRAEM's code does; shifts are 0."""
        for scale, shift in zip(self.weight.blocks, self.bias.blocks, strict=True):
            nn.init.normal_(scale, 1.0, DRAEM_STD if how == "draem" else 0.0, generator=generator)
            nn.init.zeros_(shift)

    def forward(self, x: Tensor, level: int) -> Tensor:
        statistics = self.at(level)
        return statistics.normalise(x, self.weight(level), self.bias(level))

    def at(self, level: int) -> Statistics:
        """Return the statistics of a width."""
        statistics = self.statistics[level]
        assert isinstance(statistics, Statistics)
        return statistics


class SlicedConv(nn.Module):
    """`operations.Conv` at several widths."""

    def __init__(self, inputs: Sequence[Blocks], out: Blocks) -> None:
        super().__init__()
        self.conv = SlicedWeight(out, inputs, kernel=3)
        self.norm = SlicedNorm(out)

    def forward(self, x: Tensor, level: int) -> Tensor:
        return F.relu(self.norm(F.conv2d(x, self.conv(level), padding=1), level))

    def weights(self, level: int) -> list[Tensor]:
        """Return the parameters of the plain operation at a width, in its order."""
        return [self.conv(level), self.norm.weight(level), self.norm.bias(level)]


class SlicedSeparable(nn.Module):
    """`operations.SeparableConv` at several widths."""

    def __init__(self, inputs: Sequence[Blocks], out: Blocks, *, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.depthwise = SlicedKernel(inputs)
        self.pointwise = SlicedWeight(out, inputs, kernel=1)
        self.norm = SlicedNorm(out)

    def forward(self, x: Tensor, level: int) -> Tensor:
        filtered = self._filter(x, self.depthwise(level))
        return F.relu(self.norm(F.conv2d(filtered, self.pointwise(level)), level))

    def _filter(self, x: Tensor, kernel: Tensor) -> Tensor:
        if self.training and is_faster_by_phases(x, dilation=self.dilation):
            return atrous_by_phases(x, kernel)
        return F.conv2d(x, kernel, padding=self.dilation, dilation=self.dilation, groups=x.shape[1])

    def weights(self, level: int) -> list[Tensor]:
        """Return the parameters of the plain operation at a width, in its order."""
        return [
            self.depthwise(level),
            self.pointwise(level),
            self.norm.weight(level),
            self.norm.bias(level),
        ]


class SlicedHead(nn.Module):
    """A convolution with bias to a fixed number of channels."""

    def __init__(self, inputs: Blocks, out_channels: int, *, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self._widths = tuple(accumulate(inputs))
        self.weight = SlicedWeight((out_channels,), [inputs], kernel=kernel)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, level: int) -> Tensor:
        return F.conv2d(x, self.weight(level), self.bias, padding=self.kernel // 2)

    def level_of(self, channels: int) -> int:
        """Return at which width the input has so many channels."""
        return self._widths.index(channels)

    def weights(self, level: int) -> list[Tensor]:
        """Return the parameters of the plain convolution at a width, in its order."""
        return [self.weight(level), self.bias]


def make_sliced(gene: int, inputs: Sequence[Blocks], out: Blocks) -> SlicedConv | SlicedSeparable:
    """Return the operation of `gene`: 0 conv, 1 sep, 2 atrous (`OPERATION_NAMES`)."""
    if gene == 0:
        return SlicedConv(inputs, out)
    return SlicedSeparable(inputs, out, dilation=gene)


def _draw(blocks: nn.ParameterList, how: Initialisation, generator: torch.Generator, *, fan_in: int) -> None:
    std = DRAEM_STD if how == "draem" else math.sqrt(2.0 / fan_in)
    for block in blocks:
        nn.init.normal_(block, 0.0, std, generator=generator)


def _levels(parts: Sequence[Blocks]) -> tuple[int, ...]:
    """Return from which width on each block is used; a part of one block always is."""
    return tuple(level for part in parts for level in range(len(part)))
