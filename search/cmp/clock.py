"""Which partition does what at which tick, and how long a step takes: numbers in, schedule out.

Source: [D] Sec. 3.2.2, Fig. 3.1, Eq. 3.4.
Differs from the source: Eq. 3.4 is the case of equal tasks; here every partition and phase has a cost of its
own, so that recomputing backward phases and uneven partitions are told as well. Transfers cost nothing.

Symbols:  M partitions   F_A, F_w forward, B_w, B_A backward phases, for the architecture A and the weights w
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

Subject = Literal["A", "w"]


class Phase(Enum):
    """A pass through all partitions, forward or backward, for the sake of A or of w."""

    F_A = "F_A"
    F_W = "F_w"
    B_W = "B_w"
    B_A = "B_A"

    @property
    def is_forward(self) -> bool:
        return self in (Phase.F_A, Phase.F_W)

    @property
    def subject(self) -> Subject:
        return "A" if self in (Phase.F_A, Phase.B_A) else "w"


CONSECUTIVE = (Phase.F_A, Phase.F_W, Phase.B_W, Phase.B_A)  # the order of each partition under CMP
SEQUENTIAL = (Phase.F_A, Phase.B_A, Phase.F_W, Phase.B_W)  # one phase ends before the next begins: MP


@dataclass(frozen=True)
class Task:
    """One phase's share in one partition, numbered from 0."""

    phase: Phase
    partition: int


@dataclass(frozen=True)
class PhaseCosts:
    """What each phase costs, of one partition or of the whole network, in any unit of time."""

    f_a: float
    f_w: float
    b_w: float
    b_a: float

    def of(self, phase: Phase) -> float:
        return {Phase.F_A: self.f_a, Phase.F_W: self.f_w, Phase.B_W: self.b_w, Phase.B_A: self.b_a}[phase]

    def scaled(self, share: float) -> PhaseCosts:
        return PhaseCosts(self.f_a * share, self.f_w * share, self.b_w * share, self.b_a * share)

    def __add__(self, other: PhaseCosts) -> PhaseCosts:
        return PhaseCosts(
            self.f_a + other.f_a, self.f_w + other.f_w, self.b_w + other.b_w, self.b_a + other.b_a
        )

    @property
    def total(self) -> float:
        return self.f_a + self.f_w + self.b_w + self.b_a


NOTHING = PhaseCosts(0.0, 0.0, 0.0, 0.0)
EQUAL = PhaseCosts(1.0, 1.0, 1.0, 1.0)


def needs(task: Task, *, num_partitions: int) -> Task | None:
    """Return the task of another partition that must have ended before; None: the batch or the loss is there.

    The forward task of its own partition has ended in any case: a partition works in the order `CONSECUTIVE`.
    """
    neighbour = task.partition + (-1 if task.phase.is_forward else 1)
    return Task(task.phase, neighbour) if 0 <= neighbour < num_partitions else None


def sequence(num_partitions: int, phases: Sequence[Phase] = SEQUENTIAL) -> list[Task]:
    """Return all tasks one behind the other: forward from the first partition, backward from the last.

    >>> [f"{task.phase.value}({task.partition})" for task in sequence(2)][:4]
    ['F_A(0)', 'F_A(1)', 'B_A(1)', 'B_A(0)']
    """
    forward = range(num_partitions)
    return [
        Task(phase, partition)
        for phase in phases
        for partition in (forward if phase.is_forward else reversed(forward))
    ]


def ticks(num_partitions: int) -> list[list[Task]]:
    """Return the tasks of each tick under CMP where every task takes one: 2 M + 2 ticks for 4 M tasks."""
    ends = {task: round(end) for task, end in _ends(num_partitions, lambda _task: 1.0).items()}
    found: list[list[Task]] = [[] for _ in range(max(ends.values()))]
    for task, end in ends.items():
        found[end - 1].append(task)
    return [sorted(tasks, key=lambda task: task.partition) for tasks in found]


def makespan(partitions: Sequence[PhaseCosts]) -> float:
    """Return how long a step takes under CMP, given what each phase costs in each partition."""
    return max(_ends(len(partitions), lambda task: partitions[task.partition].of(task.phase)).values())


def sequential_time(partitions: Sequence[PhaseCosts]) -> float:
    """Return how long a step takes under MP: no two tasks at once."""
    return sum(costs.total for costs in partitions)


def cmp_over_mp(partitions: Sequence[PhaseCosts]) -> float:
    """Return the time of CMP over that of MP, from 0.5 for many even partitions to 1 for a single one."""
    return makespan(partitions) / sequential_time(partitions)


def proportional(costs: PhaseCosts, shares: Sequence[float]) -> list[PhaseCosts]:
    """Return the costs of partitions that hold these shares of every phase of a network."""
    return [costs.scaled(share) for share in shares]


def even_limit(costs: PhaseCosts, *, num_partitions: int) -> float:
    """Return CMP over MP for a network cut into M even partitions, in closed form.

    [(M+1) F + B_w + B_A + (M-1) max(B_w, B_A)] / (M total), where F_A and F_w cost the same F. With four
    equal phases it is 1 - (M-1) / 2M (Eq. 3.4).
    """
    M = num_partitions
    forward = costs.f_a + costs.f_w + (M - 1) * max(costs.f_a, costs.f_w)
    backward = costs.b_w + costs.b_a + (M - 1) * max(costs.b_w, costs.b_a)
    return (forward + backward) / (M * costs.total)


def _ends(num_partitions: int, cost: Callable[[Task], float]) -> Mapping[Task, float]:
    """Return when each task ends: it begins once its partition is free and the task it needs has ended."""
    free = [0.0] * num_partitions
    ends: dict[Task, float] = {}
    for task in sequence(num_partitions, CONSECUTIVE):
        before = needs(task, num_partitions=num_partitions)
        begin = max(free[task.partition], 0.0 if before is None else ends[before])
        ends[task] = free[task.partition] = begin + cost(task)
    return ends
