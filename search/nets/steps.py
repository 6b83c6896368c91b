"""A supernet as a chain of steps, each decided by the genes so far: what candidates of one prefix can share.

The same operations on the same values in the same order as in the supernet's own `forward`.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search.nets.detector import OneShotDetector
from search.nets.dual_one_shot import DualOneShot
from search.nets.dual_steps import DualSteps
from search.nets.spec import NUM_NODES, Genes
from search.nets.stepped_net import State, SteppedNet, after_node


class UNetSteps:
    """The supernet of the space `unet`: the reconstructor begins, then one step a node."""

    num_steps = NUM_NODES

    def __init__(self, supernet: OneShotDetector) -> None:
        self._supernet = supernet
        self._segmenter = supernet.segmenter
        supernet.eval()

    def begin(self, image: Tensor) -> Tensor:  # (B, 3, H, W) -> (B, 6, H, W)
        reconstruction = self._supernet.reconstructor(image)
        both = torch.cat([reconstruction.float(), image], dim=1)
        return both.contiguous(memory_format=torch.channels_last)

    def step(self, state: State, prefix: Genes) -> State:
        node = len(prefix) - 1
        return after_node(node, self._segmenter.operation(node, prefix[-1])(state.x), state.skips)

    def finish(self, state: State) -> Tensor:
        logits: Tensor = self._segmenter.head(state.x)
        return logits

    def norms(self, prefix: Genes) -> Sequence[nn.BatchNorm2d]:
        operation = self._segmenter.operation(len(prefix) - 1, prefix[-1])
        return [module for module in operation.modules() if isinstance(module, nn.BatchNorm2d)]

    def train(self, mode: bool) -> None:
        self._segmenter.train(mode)


def steps_of(supernet: nn.Module) -> SteppedNet:
    """Cut a supernet into steps; it is in evaluation mode afterwards."""
    if isinstance(supernet, DualOneShot):
        return DualSteps(supernet)
    assert isinstance(supernet, OneShotDetector)
    return UNetSteps(supernet)
