"""What the stages of a supernet are mixed with in one step: the gates, and how each stage gets its own.

Source: [D] Algorithm 1, lines 3 and 4.

The engine knows of an architecture only this: tensors, with a graph that leads back to A. Every partition
computes with leaves of its own on its own device; what it finds as their gradients is added up and sent down
that graph, whether it is a softmax (DARTS) or a binarization that gradients pass straight through (NASB).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Gates = tuple[Tensor, ...]
# Takes gates, all of them, and returns what each stage is called with beside its state; None: nothing.
Bind = Callable[[Gates], Sequence[Any]]


@dataclass(frozen=True)
class Mixture:
    """The gates G_t of a step.

    Args:
        gates: Computed from A, once a step.
        bind: Is called in the thread of each partition, with detached gates on its device.
    """

    gates: Gates
    bind: Bind

    def leaves(self, device: torch.device, *, with_grad: bool) -> Gates:
        """Return the gates on `device`, cut off from A."""
        return tuple(gate.detach().to(device).requires_grad_(with_grad) for gate in self.gates)

    def backward(self, grads: Sequence[Sequence[Tensor | None]]) -> None:
        """Add the gradient of A to its `.grad`.

        Args:
            grads: Of each gate (within), found by each partition (outside); None: it has not used the gate.
        """
        found = []
        for number, gate in enumerate(self.gates):
            total = _total([of_partition[number] for of_partition in reversed(grads)], gate.device)
            if total is not None and gate.requires_grad:
                found.append((gate, total))
        if found:
            torch.autograd.backward([gate for gate, _ in found], [total for _, total in found])


def _total(parts: Sequence[Tensor | None], device: torch.device) -> Tensor | None:
    """Add from the last partition to the first, as a backward pass through the whole network would."""
    total: Tensor | None = None
    for part in parts:
        if part is not None:
            moved = part.to(device)
            total = moved if total is None else total + moved
    return total
