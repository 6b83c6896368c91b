"""The segmenter: a plain U-Net of 18 nodes, each one of three operations.

Source: [D] Sec. 5.2.3, Fig. 5.2; spec/autodd.md, "Networks".
Differs from the source: one logit and a sigmoid instead of two classes and a softmax.

Shape letters:  B batch   H, W rows, columns   w width of the first level
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.operations import make_operation
from search.nets.spec import Genes

IN_CHANNELS = 6  # reconstruction and image
NUM_LEVELS = 4  # levels with a skip, above the bottleneck

RunNode = Callable[[int, Tensor], Tensor]


def node_channels(width: int, *, in_channels: int = IN_CHANNELS) -> tuple[tuple[int, int], ...]:
    """Return (input, output) channels of the 18 nodes.

    >>> node_channels(64)[8:11]
    ((512, 1024), (1024, 1024), (1536, 512))
    """
    widths = [width * 2**level for level in range(NUM_LEVELS + 1)]
    channels: list[tuple[int, int]] = []
    previous = in_channels
    for level_width in widths[:NUM_LEVELS]:
        channels += [(previous, level_width), (level_width, level_width)]
        previous = level_width
    bottleneck = widths[NUM_LEVELS]
    channels += [(previous, bottleneck), (bottleneck, bottleneck)]
    previous = bottleneck
    for level_width in reversed(widths[:NUM_LEVELS]):
        channels += [(previous + level_width, level_width), (level_width, level_width)]
        previous = level_width
    return tuple(channels)


def run_unet(x: Tensor, run_node: RunNode) -> Tensor:
    """Push `x` (B, C, H, W) through the U-Net whose nodes `run_node` computes; returns (B, w, H, W)."""
    skips: list[Tensor] = []
    node = 0
    for _ in range(NUM_LEVELS):
        x = run_node(node + 1, run_node(node, x))
        skips.append(x)
        x = F.max_pool2d(x, 2)
        node += 2
    x = run_node(node + 1, run_node(node, x))
    for skip in reversed(skips):
        node += 2
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        x = run_node(node + 1, run_node(node, torch.cat([x, skip], dim=1)))
    return x


class UNet(nn.Module):
    """The segmenter of one genotype: (B, in_channels, H, W) -> logits (B, 1, H, W); H, W multiples of 16."""

    def __init__(self, genes: Genes, *, width: int, in_channels: int = IN_CHANNELS) -> None:
        super().__init__()
        self.genes = genes
        self.nodes = nn.ModuleList(
            make_operation(gene, *channels)
            for gene, channels in zip(genes, node_channels(width, in_channels=in_channels), strict=True)
        )
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = run_unet(x, lambda node, value: self.nodes[node](value))
        logits: Tensor = self.head(features)
        return logits
