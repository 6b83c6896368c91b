"""What a supernet in steps is: each step is decided by the genes so far, so candidates can share prefixes.

Shape letters:  B batch   C channels   H, W rows, columns
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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


def after_node(node: int, x: Tensor, skips: tuple[Tensor, ...]) -> State:
    """Return what the next node of a U-Net takes, where node `node` has computed `x`.

    Source: search/nets/unet.py, `run_unet`, cut between its nodes.
    """
    if node % 2 and node < 2 * NUM_LEVELS:  # the second node of an encoder level
        return State(F.max_pool2d(x, 2), (*skips, x))
    if node % 2 and node < NUM_NODES - 1:  # a decoder level follows
        x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=True)
        return State(torch.cat([x, skips[-1]], dim=1), skips[:-1])
    return State(x, skips)
