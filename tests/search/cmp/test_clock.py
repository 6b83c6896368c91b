"""The schedule of CMP: the staircase, and how long a step takes."""

import pytest

from search.cmp.clock import (
    CONSECUTIVE,
    EQUAL,
    Phase,
    PhaseCosts,
    Task,
    cmp_over_mp,
    even_limit,
    makespan,
    needs,
    proportional,
    sequence,
    sequential_time,
    ticks,
)

STAIRCASES = {
    # [D] Fig. 3.1: two cycles are saved. Time goes to the right, a line a partition.
    2: """
        F_A F_w  .   .  B_w B_A
         .  F_A F_w B_w B_A  .
    """,
    4: """
        F_A F_w  .   .   .   .   .   .  B_w B_A
         .  F_A F_w  .   .   .   .  B_w B_A  .
         .   .  F_A F_w  .   .  B_w B_A  .   .
         .   .   .  F_A F_w B_w B_A  .   .   .
    """,
}


@pytest.mark.parametrize("num_partitions", STAIRCASES)
def test_the_schedule_is_a_staircase(num_partitions: int) -> None:
    drawn = STAIRCASES[num_partitions].split("\n")
    assert _draw(num_partitions) == [line.split() for line in drawn if line.strip()]


def _draw(num_partitions: int) -> list[list[str]]:
    rows = [["."] * len(ticks(num_partitions)) for _ in range(num_partitions)]
    for tick, tasks in enumerate(ticks(num_partitions)):
        for task in tasks:
            assert rows[task.partition][tick] == "."
            rows[task.partition][tick] = task.phase.value
    return rows


@pytest.mark.parametrize("num_partitions", [1, 2, 3, 4, 8])
def test_every_task_is_scheduled_once_behind_what_it_needs(num_partitions: int) -> None:
    when = {task: tick for tick, tasks in enumerate(ticks(num_partitions)) for task in tasks}
    assert set(when) == {Task(phase, i) for phase in Phase for i in range(num_partitions)}
    assert len(ticks(num_partitions)) == 2 * num_partitions + 2  # 4 M - 2 (M - 1), Eq. 3.4
    for task, tick in when.items():
        before = needs(task, num_partitions=num_partitions)
        assert before is None or when[before] < tick
    for i in range(num_partitions):
        own = [when[Task(phase, i)] for phase in CONSECUTIVE]
        assert own == sorted(own)


def test_sequential_goes_through_the_network_and_back_twice() -> None:
    told = " ".join(f"{task.phase.value}{task.partition}" for task in sequence(3))
    assert told == "F_A0 F_A1 F_A2 B_A2 B_A1 B_A0 F_w0 F_w1 F_w2 B_w2 B_w1 B_w0"


RECOMPUTING = PhaseCosts(f_a=1, f_w=1, b_w=2, b_a=9)  # NASB computes 8 operations again
TWICE = PhaseCosts(f_a=1, f_w=1, b_w=2, b_a=2)


@pytest.mark.parametrize(
    ("costs", "num_partitions", "ratio"),
    [
        (EQUAL, 1, 1.0),
        (EQUAL, 2, 0.75),
        (EQUAL, 3, 0.6667),
        (EQUAL, 4, 0.625),
        (EQUAL, 8, 0.5625),
        (TWICE, 1, 1.0),
        (TWICE, 2, 0.75),
        (TWICE, 3, 0.6667),
        (TWICE, 4, 0.625),
        (TWICE, 8, 0.5625),
        (RECOMPUTING, 2, 0.8846),
        (RECOMPUTING, 3, 0.8462),
        (RECOMPUTING, 4, 0.8269),
    ],
)
def test_even_partitions(costs: PhaseCosts, num_partitions: int, ratio: float) -> None:
    partitions = proportional(costs, [1 / num_partitions] * num_partitions)
    assert cmp_over_mp(partitions) == pytest.approx(ratio, abs=5e-5)
    assert even_limit(costs, num_partitions=num_partitions) == pytest.approx(ratio, abs=5e-5)


@pytest.mark.parametrize("num_partitions", [1, 2, 5, 8])
def test_equal_phases_are_equation_3_4(num_partitions: int) -> None:
    M = num_partitions
    assert even_limit(EQUAL, num_partitions=M) == pytest.approx(1 - (M - 1) / (2 * M))


@pytest.mark.parametrize(
    ("shares", "ratio"),
    [([0.5, 0.5], 0.75), ([0.6, 0.4], 0.80), ([0.4, 0.6], 0.80), ([0.4, 0.2, 0.2, 0.2], 0.70)],
)
def test_uneven_shares_of_equal_phases(shares: list[float], ratio: float) -> None:
    assert cmp_over_mp(proportional(EQUAL, shares)) == pytest.approx(ratio)


def test_partitions_whose_phases_differ() -> None:
    # F_A(0) 0-1, F_A(1) 1-4, F_w(0) 1-2, F_w(1) 4-7, B_w(1) 7-8, B_A(1) 8-9, B_w(0) 8-12, B_A(0) 12-16
    partitions = [PhaseCosts(f_a=1, f_w=1, b_w=4, b_a=4), PhaseCosts(f_a=3, f_w=3, b_w=1, b_a=1)]
    assert makespan(partitions) == 16
    assert sequential_time(partitions) == 18
