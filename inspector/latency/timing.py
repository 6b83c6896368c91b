"""How long calls take: in turn, so that a drift of the clock meets all of them, and for a bounded time."""

import statistics
import time
from typing import Callable, List, Sequence

MIN_ROUNDS = 5
MAX_ROUNDS = 200


def rounds_ms(
    calls: Sequence[Callable[[], object]],
    *,
    budget_s: float,
    clock_s: Callable[[], float] = time.perf_counter,
) -> List[List[float]]:
    """Call every one of `calls` once a round, and return a list of milliseconds for each.

    The first round warms up and does not count. At least `MIN_ROUNDS`, then until `budget_s` is used.
    """
    for call in calls:
        call()
    took: List[List[float]] = [[] for _ in calls]
    start_s = clock_s()
    while len(took[0]) < MIN_ROUNDS or (len(took[0]) < MAX_ROUNDS and clock_s() - start_s < budget_s):
        for call, times in zip(calls, took):
            before_s = clock_s()
            call()
            times.append((clock_s() - before_s) * 1e3)
    return took


def median_ms(call: Callable[[], object], *, budget_s: float) -> float:
    """Return the median of one call."""
    (took,) = rounds_ms([call], budget_s=budget_s)
    return statistics.median(took)


def median_difference_ms(
    short: Callable[[], object], long: Callable[[], object], *, budget_s: float
) -> float:
    """Return the median of `long` minus `short`, each pair timed one after the other; never below zero."""
    shorter, longer = rounds_ms([short, long], budget_s=budget_s)
    return max(0.0, statistics.median([b - a for a, b in zip(shorter, longer)]))
