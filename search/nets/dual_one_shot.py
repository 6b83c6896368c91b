"""The one-shot supernet of the space `dual`: both networks, three operations a node, three widths.

Source: [D] Sec. 5.2.3, Eq. 5.5, extended to the reconstructor and to widths.
Differs from the source: [D] searches the segmenter alone, at one width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from search.nets.detector import Detector
from search.nets.dual import DualPath
from search.nets.searched_reconstructor import (
    IMAGE_CHANNELS,
    SearchedReconstructor,
    reconstructor_channels,
    run_reconstructor,
)
from search.nets.sliced import Blocks, SlicedConv, SlicedHead, SlicedSeparable, cut, make_sliced
from search.nets.spec import OPERATION_NAMES, Genes
from search.nets.unet import IN_CHANNELS, UNet, node_channels, run_unet


class SlicedNodes(nn.Module):
    """The candidates of every node of one of the two networks, and its head."""

    def __init__(self, nodes: Iterable[tuple[Sequence[Blocks], Blocks]], head: SlicedHead) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(
            nn.ModuleList(make_sliced(gene, inputs, out) for gene in range(len(OPERATION_NAMES)))
            for inputs, out in nodes
        )
        self.head = head

    def operation(self, node: int, gene: int) -> SlicedConv | SlicedSeparable:
        """Return one of the candidate operations of a node."""
        candidates = self.nodes[node]
        assert isinstance(candidates, nn.ModuleList)
        operation = candidates[gene]
        assert isinstance(operation, (SlicedConv, SlicedSeparable))
        return operation

    def copy_to(self, net: UNet | SearchedReconstructor, level: int) -> None:
        """Copy the weights of the path that `net` is, at a width, in place."""
        pairs: list[tuple[nn.Module, list[Tensor]]] = [(net.head, self.head.weights(level))]
        for index, (node, gene) in enumerate(zip(net.nodes, net.genes, strict=True)):
            pairs.append((node, self.operation(index, gene).weights(level)))
        with torch.no_grad():
            for mine, theirs in pairs:
                for parameter, source in zip(mine.parameters(), theirs, strict=True):
                    parameter.copy_(source)


class DualOneShot(nn.Module):
    """Holds every operation at every width; `forward` runs the one path that `genes` name.

    Args:
        width, reconstructor_width: The widest, multiples of 4.
    """

    def __init__(self, *, width: int, reconstructor_width: int) -> None:
        super().__init__()
        self.reconstructor = SlicedNodes(
            (
                ([(c,) if c == IMAGE_CHANNELS else cut(c)], cut(k))
                for c, k in reconstructor_channels(reconstructor_width)
            ),
            SlicedHead(cut(reconstructor_width), IMAGE_CHANNELS, kernel=3),
        )
        self.segmenter = SlicedNodes(
            ((_segmenter_inputs(node, c, k), cut(k)) for node, (c, k) in enumerate(node_channels(width))),
            SlicedHead(cut(width), 1, kernel=1),
        )

    def forward(self, image: Tensor, genes: Genes) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) -> reconstruction (B, 3, H, W) and logits (B, 1, H, W)."""
        path = DualPath.of(genes)
        level = path.reconstructor_level

        def reconstruct(node: int, x: Tensor) -> Tensor:
            output: Tensor = self.reconstructor.operation(node, path.reconstructor[node])(x, level)
            return output

        def segment(node: int, x: Tensor) -> Tensor:
            output: Tensor = self.segmenter.operation(node, path.segmenter[node])(x, path.segmenter_level)
            return output

        reconstruction = self.reconstructor.head(run_reconstructor(image, reconstruct), level)
        both = torch.cat([reconstruction, image], dim=1)
        return reconstruction, self.segmenter.head(run_unet(both, segment), path.segmenter_level)


def inherit_dual(net: Detector, supernet: DualOneShot, genes: Genes) -> None:
    """Copy the supernet's weights along the path of `net`, in place; BN statistics stay fresh."""
    path = DualPath.of(genes)
    assert isinstance(net.reconstructor, SearchedReconstructor)
    assert isinstance(net.segmenter, UNet)
    supernet.reconstructor.copy_to(net.reconstructor, path.reconstructor_level)
    supernet.segmenter.copy_to(net.segmenter, path.segmenter_level)


def _segmenter_inputs(node: int, in_channels: int, out_channels: int) -> list[Blocks]:
    """Return the blocks of a node's input; the first node of a decoder level also takes the skip."""
    if node == 0:
        return [(IN_CHANNELS,)]
    is_joined = node >= 10 and node % 2 == 0
    if is_joined:  # what comes from below, and the skip of the level's own width
        return [cut(in_channels - out_channels), cut(out_channels)]
    return [cut(in_channels)]
