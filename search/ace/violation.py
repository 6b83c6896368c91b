"""How far trials are from meeting their constraints, as one order and without penalty weights.

Source: [D] Sec. 4.2.4 for one constraint; several are [D]'s limitation and future work (Sec. 4.5, chapter 6).

One constraint: the violation is g - tau, as in Algorithm 3. Several are compared in two steps.

1. Normalise. v_i = max(0, g_i - tau_i) is divided by the *typical* violation of constraint i: the median of
   all its positive violations of this experiment. The unit cancels, so milliseconds and shares can be
   compared, and no user has to guess an exchange rate. The median, not the largest value: one diverged
   trial would otherwise make all other violations of its constraint look like nothing. Positive values
   only: a constraint that is seldom violated would otherwise have a scale near zero and decide every
   comparison.
2. Order. A trial becomes feasible only when its furthest constraint is met, so trials are compared by that
   one, the largest normalised violation; where it is equal, by the next largest, and so on (leximax). A sum
   would trade one constraint for another at a rate, and that rate is a weight. Whatever is lowered in any
   constraint never lowers a trial's place at given scales (Pareto monotone).

With one constraint the division changes no comparison and is left out: the order is exactly that of
Algorithm 3. A value that is not a number is an infinite violation. All functions are symmetric in the
constraints.
"""

import bisect
import math
from array import array
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Violations = tuple[float, ...]


def violations(g: Sequence[float], thresholds: Sequence[float]) -> Violations:
    """Return how much each constraint is exceeded: max(0, g - tau), infinite where g is not a number."""
    return tuple(
        math.inf if math.isnan(value) else max(0.0, value - threshold)
        for value, threshold in zip(g, thresholds, strict=True)
    )


def order_key(excess: Violations, typical: Sequence[float]) -> Violations:
    """Return the key by which invalid trials are sorted, least violation first; the objective breaks ties.

    Args:
        excess: Violations, one a constraint.
        typical: Typical violation of each constraint, from `TypicalViolations`.
    """
    if len(excess) == 1:
        return excess
    table = normalised(np.array([excess], np.float64).T, typical)
    return tuple(np.sort(table[:, 0])[::-1].tolist())


def normalised(table: npt.NDArray[np.float64], typical: Sequence[float]) -> npt.NDArray[np.float64]:
    """Divide (M, N) violations by the typical violation of each of M constraints."""
    with np.errstate(over="ignore"):
        return table / np.asarray(typical, np.float64)[:, None]


class TypicalViolations:
    """The running median of each constraint's positive, finite violations; 1 while there is none."""

    def __init__(self, num_constraints: int) -> None:
        self._sorted = [array("d") for _ in range(num_constraints)]

    def add(self, excess: Violations) -> None:
        for values, value in zip(self._sorted, excess, strict=True):
            if 0.0 < value < math.inf:
                bisect.insort(values, value)

    def remove(self, excess: Violations) -> None:
        """Take back what `add` was given."""
        for values, value in zip(self._sorted, excess, strict=True):
            if 0.0 < value < math.inf:
                del values[bisect.bisect_left(values, value)]

    def values(self) -> tuple[float, ...]:
        """Return the median of each constraint."""
        return tuple(_median(values) if values else 1.0 for values in self._sorted)


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * ordered[half - 1] + 0.5 * ordered[half]
