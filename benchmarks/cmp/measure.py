"""One step of a supernet in partitions, by MP and by CMP in turn, and what the schedule would allow."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import torch

from benchmarks.cell_search import Subject
from search.cmp.balance import best_sizes
from search.cmp.cells import classification, cut_cells, mixture_of
from search.cmp.clock import PhaseCosts, cmp_over_mp, even_limit
from search.cmp.consecutive import ConsecutiveParallel
from search.cmp.mixture import Mixture
from search.cmp.passes import Batch
from search.cmp.sequential import ModelParallel, Parallelism
from search.cmp.stage_times import even_devices, measure_stages, median_costs


@dataclass(frozen=True)
class Comparison:
    """Seconds of a step, and ratios of CMP over MP.

    Args:
        floor: That of the schedule, with the phases of these partitions as MP took them.
        even: That of the schedule with partitions that are exactly alike.
    """

    sizes: tuple[int, ...]
    mp_s: float
    cmp_s: float
    floor: float
    even: float
    phases_s: PhaseCosts

    @property
    def ratio(self) -> float:
        return self.cmp_s / self.mp_s

    @property
    def over_floor(self) -> float:
        return self.ratio / self.floor

    @property
    def lost_to_imbalance(self) -> float:
        """Share of MP's time that an even cut would save beside."""
        return self.floor - self.even


def compare(subject: Subject, devices: Sequence[torch.device], *, rounds: int) -> Comparison:
    """Balance the partitions, then take `rounds` steps of either kind in turn."""
    sizes = best_sizes(_stage_costs(subject, devices), len(devices))
    partitions = cut_cells(subject.architect.net, devices, sizes=sizes)
    sequential = ModelParallel(partitions, classification)
    watched = ModelParallel(partitions, classification, synchronize=True)
    mp_s, cmp_s, spans = [], [], []
    with ConsecutiveParallel(partitions, classification) as consecutive:
        for _ in range(rounds + 1):
            mp_s.append(_step_s(sequential, subject, devices))
            cmp_s.append(_step_s(consecutive, subject, devices))
            if devices[0].type == "cuda":  # elsewhere a task has ended when it returns
                _step_s(watched, subject, devices)
            spans.append((watched if devices[0].type == "cuda" else sequential).spans)
    costs = median_costs(spans[1:])  # the first steps allocate
    whole = reduce(add, costs)
    return Comparison(
        sizes=sizes,
        mp_s=statistics.median(mp_s[1:]),
        cmp_s=statistics.median(cmp_s[1:]),
        floor=cmp_over_mp(costs),
        even=even_limit(whole, num_partitions=len(devices)),
        phases_s=whole,
    )


def _stage_costs(subject: Subject, devices: Sequence[torch.device]) -> list[PhaseCosts]:
    stages = subject.architect.net.stages()
    return measure_stages(
        stages,
        classification,
        lambda: _mix(subject),
        train=Batch(*subject.batch),
        valid=Batch(*subject.batch),
        devices=even_devices(len(stages), devices),
        rounds=3,
    )


def _step_s(parallelism: Parallelism, subject: Subject, devices: Sequence[torch.device]) -> float:
    batch = Batch(*subject.batch)
    _wait_for(devices)
    begin_s = time.perf_counter()
    parallelism.gradients(train=batch, valid=batch, mixture=_mix(subject))
    _wait_for(devices)
    return time.perf_counter() - begin_s


def _mix(subject: Subject) -> Mixture:
    architect = subject.architect
    architect.architecture.zero_grad()
    weights = architect.architecture.weights(architect.method.relaxation(0.0))
    return mixture_of(architect.net.stages(), weights)


def _wait_for(devices: Sequence[torch.device]) -> None:
    for device in set(devices):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
