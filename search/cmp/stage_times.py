"""How long each phase of each stage takes, measured on a device with batches of the search."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import nn

from search.cmp.clock import Phase, PhaseCosts, Task
from search.cmp.mixture import Mixture
from search.cmp.partition import cut, even_sizes
from search.cmp.passes import Batch, Criterion, Span
from search.cmp.sequential import ModelParallel


def measure_stages(
    stages: Sequence[nn.Module],
    criterion: Criterion,
    mix: Callable[[], Mixture],
    *,
    train: Batch,
    valid: Batch,
    devices: Sequence[torch.device],
    rounds: int = 5,
) -> list[PhaseCosts]:
    """Return the median times in seconds of each stage alone; the first step, which allocates, is left out.

    The stages stay on their devices, and their gradients are gone afterwards. Statistics that a stage keeps
    of its batches do change.

    Args:
        devices: One a stage; devices of one speed, or the cut that follows from the times is not the best.
    """
    parallelism = ModelParallel(cut(stages, devices), criterion, synchronize=True)
    spans: list[Mapping[Task, Span]] = []
    for _ in range(rounds + 1):
        # The graph back to A is left out: nothing may be added to its gradient.
        mixture = mix()
        gates = tuple(gate.detach().requires_grad_() for gate in mixture.gates)
        parallelism.gradients(train=train, valid=valid, mixture=Mixture(gates, mixture.bind))
        spans.append(parallelism.spans)
    for stage in stages:
        stage.zero_grad()
    return median_costs(spans[1:])


def even_devices(num_stages: int, devices: Sequence[torch.device]) -> list[torch.device]:
    """Return where each stage is measured: an even cut, since one device may be too small for them all."""
    sizes = even_sizes(num_stages, len(devices))
    return [device for device, size in zip(devices, sizes, strict=True) for _ in range(size)]


def median_costs(steps: Sequence[Mapping[Task, Span]]) -> list[PhaseCosts]:
    """Return for each partition the median over several steps of how long each phase took, in seconds."""
    num_partitions = 1 + max(task.partition for task in steps[0])

    def median_s(phase: Phase, partition: int) -> float:
        spans = [step[Task(phase, partition)] for step in steps]
        return statistics.median(span.end_s - span.begin_s for span in spans)

    return [
        PhaseCosts(
            f_a=median_s(Phase.F_A, index),
            f_w=median_s(Phase.F_W, index),
            b_w=median_s(Phase.B_W, index),
            b_a=median_s(Phase.B_A, index),
        )
        for index in range(num_partitions)
    ]
