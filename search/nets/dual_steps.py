"""The supernet of the space `dual` as a chain of steps, a gene each: widths decide, nodes compute.

The same operations on the same values in the same order as in `DualOneShot.forward`.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search.nets.dual import (
    DUAL_ALPHABETS,
    RECONSTRUCTOR_WIDTH_GENE,
    SEGMENTER_WIDTH_GENE,
)
from search.nets.dual_one_shot import DualOneShot
from search.nets.searched_reconstructor import to_next_level
from search.nets.sliced import SlicedConv, SlicedSeparable
from search.nets.spec import NUM_RECONSTRUCTOR_NODES, Genes
from search.nets.stepped_net import State, after_node


class DualSteps:
    """No step is common to all candidates: the first gene already changes the reconstructor.

    The image waits among the skips until the reconstruction is there.
    """

    num_steps = len(DUAL_ALPHABETS)

    def __init__(self, supernet: DualOneShot) -> None:
        self._supernet = supernet
        supernet.eval()

    def begin(self, image: Tensor) -> Tensor:  # (B, 3, H, W)
        return image

    def step(self, state: State, prefix: Genes) -> State:
        place = len(prefix) - 1
        if place == RECONSTRUCTOR_WIDTH_GENE:
            return State(state.x, (state.x,))
        if place == SEGMENTER_WIDTH_GENE:
            return state
        operation, level = self._operation(prefix)
        x = operation(state.x, level)
        if place > SEGMENTER_WIDTH_GENE:
            return after_node(place - SEGMENTER_WIDTH_GENE - 1, x, state.skips)
        node = place - 1
        if node < NUM_RECONSTRUCTOR_NODES - 1:
            return State(to_next_level(node, x), state.skips)
        reconstruction = self._supernet.reconstructor.head(x, level)
        both = torch.cat([reconstruction.float(), state.skips[0]], dim=1)
        return State(both.contiguous(memory_format=torch.channels_last))

    def finish(self, state: State) -> Tensor:
        head = self._supernet.segmenter.head
        logits: Tensor = head(state.x, head.level_of(state.x.shape[1]))
        return logits

    def norms(self, prefix: Genes) -> Sequence[nn.BatchNorm2d]:
        if len(prefix) - 1 in (RECONSTRUCTOR_WIDTH_GENE, SEGMENTER_WIDTH_GENE):
            return []
        operation, level = self._operation(prefix)
        return [operation.norm.at(level)]

    def train(self, mode: bool) -> None:
        self._supernet.train(mode)

    def _operation(self, prefix: Genes) -> tuple[SlicedConv | SlicedSeparable, int]:
        """Return the operation that the last gene names, and the width of its network."""
        place, gene = len(prefix) - 1, prefix[-1]
        if place > SEGMENTER_WIDTH_GENE:
            node = place - SEGMENTER_WIDTH_GENE - 1
            return self._supernet.segmenter.operation(node, gene), prefix[SEGMENTER_WIDTH_GENE]
        return self._supernet.reconstructor.operation(place - 1, gene), prefix[RECONSTRUCTOR_WIDTH_GENE]
