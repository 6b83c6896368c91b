"""A supernet as a chain of steps, each decided by the genes so far: what candidates of one prefix can share.

Source: search/nets/unet.py, `run_unet`, cut between its nodes.
Differs from the source: nothing; the same operations on the same values in the same order.

Shape letters:  B batch   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search.nets.detector import OneShotDetector
from search.nets.spec import NUM_NODES, Genes
from search.nets.unet import NUM_LEVELS


class State(NamedTuple):
    """What a path has computed so far: the next step's input, and the skips that wait for the decoder."""

    x: Tensor
    skips: tuple[Tensor, ...] = ()


class SteppedNet(Protocol):
    """A supernet in steps. A step depends on the state before it and on the genes up to it."""

    num_steps: int

    def begin(self, image: Tensor) -> Tensor:
        """Return the input of the first step, (B, C, H, W): what no gene changes; BN in eval mode."""
        ...

    def step(self, state: State, prefix: Genes) -> State:
        """Run step `len(prefix) - 1` of the path that begins with `prefix`."""
        ...

    def finish(self, state: State) -> Tensor:
        """Return the logits (B, 1, H, W) of a state after the last step."""
        ...

    def norms(self, prefix: Genes) -> Sequence[nn.BatchNorm2d]:
        """Return the BN layers that the last step of `prefix` runs."""
        ...

    def train(self, mode: bool) -> None:
        """Let the BN layers of the steps normalise by the batch (True) or by their statistics (False)."""
        ...


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
        x, skips = self._segmenter.operation(node, prefix[-1])(state.x), state.skips
        if node % 2 and node < 2 * NUM_LEVELS:  # the second node of an encoder level
            return State(F.max_pool2d(x, 2), (*skips, x))
        if node % 2 and node < NUM_NODES - 1:  # a decoder level follows
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
            return State(torch.cat([x, skips[-1]], dim=1), skips[:-1])
        return State(x, skips)

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
    assert isinstance(supernet, OneShotDetector)
    return UNetSteps(supernet)
