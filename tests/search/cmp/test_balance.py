"""Where a supernet is cut: by what its stages cost."""

import numpy as np
import pytest

from inspector.errors import InputError
from search.cmp.balance import best_sizes, merged
from search.cmp.clock import EQUAL, PhaseCosts, makespan
from search.cmp.partition import even_sizes


@pytest.mark.parametrize(
    ("shares", "num_partitions", "sizes"),
    [
        ([1, 1, 1, 1], 2, (2, 2)),
        ([1, 1, 1, 1], 4, (1, 1, 1, 1)),
        ([1, 1, 1, 1], 1, (4,)),
        ([1, 1, 1, 3], 2, (3, 1)),
        ([5, 1, 1, 1, 1, 1], 2, (1, 5)),
        ([0.1, 4, 4, 4, 4, 0.1], 2, (3, 3)),
        ([0.1, 2, 2, 1, 1, 1, 1, 0.1], 3, (2, 2, 4)),
    ],
)
def test_partitions_cost_the_same_as_far_as_stages_allow(
    shares: list[float], num_partitions: int, sizes: tuple[int, ...]
) -> None:
    assert best_sizes([EQUAL.scaled(share) for share in shares], num_partitions) == sizes


def test_it_is_the_makespan_that_counts_not_the_fullest_partition() -> None:
    # (forward, backward) of three stages. Cut behind the first, the partitions hold 8 and 13 units, behind
    # the second 12 and 9; but forward and backward phases overlap among themselves alone.
    stages = [PhaseCosts(f, f, b, b) for f, b in ((1, 3), (0.5, 1.5), (4, 0.5))]
    spans = {cuts: makespan(merged(stages, cuts)) for cuts in ((0, 1, 3), (0, 2, 3))}
    assert spans == {(0, 1, 3): 18.0, (0, 2, 3): 19.0}
    assert best_sizes(stages, 2) == (1, 2)


@pytest.mark.parametrize("seed", range(5))
def test_a_balanced_cut_is_never_slower_than_an_even_one(seed: int) -> None:
    costs = np.random.default_rng(seed).random((9, 4))
    stages = [PhaseCosts(*(float(cost) for cost in row)) for row in costs]
    for num_partitions in (2, 3, 4):
        spans = []
        for sizes in (best_sizes(stages, num_partitions), even_sizes(9, num_partitions)):
            assert sum(sizes) == 9
            cuts = [sum(sizes[:number]) for number in range(num_partitions + 1)]
            spans.append(makespan(merged(stages, cuts)))
        assert spans[0] <= spans[1]


@pytest.mark.parametrize("num_partitions", [0, 4])
def test_more_partitions_than_stages(num_partitions: int) -> None:
    with pytest.raises(InputError, match=f"{num_partitions} partitions of 3 stages.*ask for 1 to 3"):
        best_sizes([EQUAL] * 3, num_partitions)
