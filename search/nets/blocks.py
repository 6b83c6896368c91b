"""Plain convolution blocks of DRAEM's networks."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


def conv_block(*channels: int) -> nn.Sequential:
    """Chain 3x3 convolutions with bias, each with BN and ReLU, through the given channel counts."""
    layers: list[nn.Module] = []
    for in_channels, out_channels in pairwise(channels):
        layers += [
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
