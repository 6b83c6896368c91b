"""Where to cut a supernet so that a step ends soonest: measured costs in, sizes out.

Source: [D] Sec. 3.2.2 names uneven partitions as what keeps CMP from Eq. 3.4.
Differs from the source: it cuts by hand.

Pure: neither torch nor ray.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate, combinations, pairwise
from operator import add

from inspector.errors import InputError
from search.cmp.clock import PhaseCosts, makespan


def best_sizes(stages: Sequence[PhaseCosts], num_partitions: int) -> tuple[int, ...]:
    """Return how many consecutive stages each partition has, so that CMP's makespan is least.

    Every cut is looked at, which for 22 stages in 4 partitions are 1,330; those whose fullest partition alone
    lasts longer than the best makespan are passed over.

    Raises:
        InputError: more partitions than stages, or none.
    """
    if not 1 <= num_partitions <= len(stages):
        raise InputError(
            f"{num_partitions} partitions of {len(stages)} stages: every partition needs at least one; "
            f"ask for 1 to {len(stages)}"
        )
    before = [0.0, *accumulate(stage.total for stage in stages)]
    best: tuple[int, ...] = ()
    shortest = math.inf
    for inner in combinations(range(1, len(stages)), num_partitions - 1):
        cuts = (0, *inner, len(stages))
        if max(before[end] - before[begin] for begin, end in pairwise(cuts)) >= shortest:
            continue
        found = makespan(merged(stages, cuts))
        if found < shortest:
            best, shortest = cuts, found
    return tuple(end - begin for begin, end in pairwise(best))


def merged(stages: Sequence[PhaseCosts], cuts: Sequence[int]) -> list[PhaseCosts]:
    """Return the costs of the partitions between neighbouring `cuts`, which begin with 0."""
    return [reduce(add, stages[begin:end]) for begin, end in pairwise(cuts)]
