"""The reconstructor as 22 nodes, each one of the three operations, as the space `dual` searches it.

Source: DRAEM (ICCV 2021), reconstructive sub-network; the operations of [D] Fig. 5.3.
Differs from the source: the convolutions of nodes have no bias, for the BN behind each takes it away.

Shape letters:  B batch   H, W rows, columns   w width of the first level
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.operations import make_operation
from search.nets.spec import NUM_RECONSTRUCTOR_NODES, Genes
from search.nets.unet import RunNode

IMAGE_CHANNELS = 3
LAST_OF_ENCODER = 9


def reconstructor_channels(width: int) -> tuple[tuple[int, int], ...]:
    """Return (input, output) channels of the 22 nodes: two a level down, three a level up.

    >>> reconstructor_channels(64)[8:13]
    ((512, 512), (512, 512), (512, 512), (512, 512), (512, 256))
    """
    w = width
    channels: list[tuple[int, int]] = []
    for before, after in _encoder(w):
        channels += [(before, after), (after, after)]
    for before, after in _decoder(w):
        channels += [(before, before), (before, before), (before, after)]
    return tuple(channels)


def run_reconstructor(image: Tensor, run_node: RunNode) -> Tensor:
    """Push `image` (B, 3, H, W) through the nodes that `run_node` computes; returns (B, w, H, W)."""
    x = image
    for node in range(NUM_RECONSTRUCTOR_NODES):
        x = to_next_level(node, run_node(node, x))
    return x


def to_next_level(node: int, x: Tensor) -> Tensor:
    """Halve or double what node `node` has computed, where it is the last of its level."""
    if node < LAST_OF_ENCODER:
        return F.max_pool2d(x, 2) if node % 2 else x
    if node < NUM_RECONSTRUCTOR_NODES - 1 and (node - LAST_OF_ENCODER) % 3 == 0:
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
    return x


class SearchedReconstructor(nn.Module):
    """The reconstructor of one genotype: (B, 3, H, W) -> (B, 3, H, W); H and W multiples of 16."""

    def __init__(self, genes: Genes, *, width: int) -> None:
        super().__init__()
        self.genes = genes
        self.nodes = nn.ModuleList(
            make_operation(gene, *channels)
            for gene, channels in zip(genes, reconstructor_channels(width), strict=True)
        )
        self.head = nn.Conv2d(width, IMAGE_CHANNELS, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        features = run_reconstructor(image, lambda node, value: self.nodes[node](value))
        reconstruction: Tensor = self.head(features)
        return reconstruction


def _encoder(w: int) -> list[tuple[int, int]]:
    return [(IMAGE_CHANNELS, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 8 * w)]


def _decoder(w: int) -> list[tuple[int, int]]:
    return [(8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w), (w, w)]
