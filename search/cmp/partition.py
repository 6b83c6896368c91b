"""A supernet in partitions: runs of stages on a device each, whose boundaries no graph crosses.

Source: [D] Sec. 3.2.2, 3.3.2.

A stage is a module `stage(state, argument) -> state`. A state is a tuple of tensors, since a cell hands on
the outputs of the last two cells; the argument is the stage's part of the mixture. Stages must not work in
place on their input, and must not draw from the global random stream: the threads of CMP share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inspector.errors import InputError
from search.cmp.mixture import Gates, Mixture

State = tuple[Tensor, ...]
Grads = tuple[Tensor | None, ...]


@dataclass(frozen=True)
class Kept:
    """The graph of one pass through one partition, from forward to backward."""

    inputs: State
    gates: Gates
    outputs: State


class Partition:
    """Consecutive stages on one device.

    Args:
        first: Number of its first stage in the supernet.
        index: Its own number, from 0.
    """

    def __init__(self, stages: Sequence[nn.Module], device: torch.device, *, first: int, index: int) -> None:
        self.stages = [stage.to(device) for stage in stages]
        self.device = device
        self.index = index
        self._first = first
        self.weights = [
            weight for stage in self.stages for weight in stage.parameters() if weight.requires_grad
        ]

    def __str__(self) -> str:
        last = self._first + len(self.stages) - 1
        stages = f"stage {self._first}" if last == self._first else f"stages {self._first} to {last}"
        return f"partition {self.index} ({stages}, {self.device})"

    def forward(self, state: State, mixture: Mixture, *, for_gates: bool) -> Kept:
        """Run the stages on leaves of their own.

        Args:
            for_gates: Gradients of the gates will be asked for; else none of theirs are prepared.
        """
        # The first partition's input is the batch, for which nobody asks a gradient.
        inputs = tuple(x.detach().requires_grad_(self.index > 0 and x.is_floating_point()) for x in state)
        gates = mixture.leaves(self.device, with_grad=for_gates)
        arguments = mixture.bind(gates)[self._first : self._first + len(self.stages)]
        outputs = inputs
        for stage, argument in zip(self.stages, arguments, strict=True):
            outputs = stage(outputs, argument)
        return Kept(inputs, gates, outputs)

    @staticmethod
    def backward(kept: Kept, grads: Grads, targets: Sequence[Tensor]) -> tuple[Grads, Grads]:
        """Return the gradients of the inputs, for the partition before, and of `targets`.

        Args:
            grads: Of each output; None: nothing behind depends on it.
        """
        # A loss is its own beginning: None stands for the gradient 1.
        is_loss = len(kept.outputs) == 1 and kept.outputs[0].dim() == 0
        roots = [
            (y, grad)
            for y, grad in zip(kept.outputs, grads, strict=True)
            if y.requires_grad and (grad is not None or is_loss)
        ]
        leaves = [*(x for x in kept.inputs if x.requires_grad), *targets]
        found: Grads = (None,) * len(leaves)
        if roots and leaves:
            outputs, of_outputs = zip(*roots, strict=True)
            found = torch.autograd.grad(outputs, leaves, of_outputs, allow_unused=True)
        of_leaves = iter(found)
        of_inputs = tuple(next(of_leaves) if x.requires_grad else None for x in kept.inputs)
        return of_inputs, tuple(of_leaves)


def cut(
    stages: Sequence[nn.Module], devices: Sequence[torch.device], *, sizes: Sequence[int] | None = None
) -> list[Partition]:
    """Cut a supernet into one partition a device, and move each part of it there.

    Args:
        sizes: How many stages each partition has; None: as even as their number allows.

    Raises:
        InputError: more partitions than stages, sizes that do not add up, or a weight of two partitions.
    """
    sizes = even_sizes(len(stages), len(devices)) if sizes is None else sizes
    if len(sizes) != len(devices) or sum(sizes) != len(stages) or min(sizes) < 1:
        raise InputError(
            f"partitions of {', '.join(map(str, sizes))} stages do not share out {len(stages)} stages to "
            f"{len(devices)} devices; give each device at least one stage"
        )
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    found = [
        Partition(stages[first : first + size], device, first=first, index=index)
        for index, (first, size, device) in enumerate(zip(starts, sizes, devices, strict=True))
    ]
    _refuse_shared_weights(found)
    return found


def even_sizes(num_stages: int, num_partitions: int) -> tuple[int, ...]:
    """Return sizes that differ by at most one, the larger ones first.

    >>> even_sizes(10, 4)
    (3, 3, 2, 2)

    Raises:
        InputError: more partitions than stages, or none.
    """
    if not 1 <= num_partitions <= num_stages:
        raise InputError(
            f"{num_partitions} partitions of {num_stages} stages: every partition needs at least one; "
            f"name 1 to {num_stages} devices"
        )
    size, larger = divmod(num_stages, num_partitions)
    return tuple(size + (index < larger) for index in range(num_partitions))


def _refuse_shared_weights(partitions: Sequence[Partition]) -> None:
    owner: dict[int, Partition] = {}
    for one in partitions:
        for weight in one.weights:
            other = owner.setdefault(id(weight), one)
            if other is not one:
                raise InputError(
                    f"{other} and {one} share a weight of shape {tuple(weight.shape)}; "
                    "give each stage weights of its own, or cut elsewhere"
                )
