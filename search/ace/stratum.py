"""In which group a report is ranked, whether it is truncated there, and when a constraint is evaluated.

Source: [D] Sec. 4.2.4, 4.2.5, Algorithm 3.
Differs from the source: "below P % of the group" is made exact: a group of n, the reporter included, gives up
floor(P n) places, and the reporter loses one only where fewer than that many others are as bad as it or
worse. So ties favour the reporter, and nothing is stopped in a group smaller than 1/P. A group holds the
reports of one iteration only, those of stopped trials included (facts/search_algorithms.md, section B).
"""

import math
from collections.abc import Sequence
from enum import Enum


class Stratum(str, Enum):
    """The three groups of [D] Sec. 4.2.4."""

    NO_CONSTRAINT = "no_constraint"
    VALID = "valid"
    INVALID = "invalid"


def classify(g: Sequence[float] | None, thresholds: Sequence[float]) -> Stratum:
    """Return the stratum of constraint values `g` (None: not evaluated); a value at its threshold is valid.

    A value that is not a number meets nothing.
    """
    if g is None:
        return Stratum.NO_CONSTRAINT
    met = all(value <= threshold for value, threshold in zip(g, thresholds, strict=True))
    return Stratum.VALID if met else Stratum.INVALID


def is_due(iteration: int, *, interval: int) -> bool:
    """Return whether linear spacing evaluates the constraint at this iteration (Algorithm 3, line 5)."""
    return iteration % interval == 0


def is_rung(iteration: int, *, reduction_factor: int) -> bool:
    """Return whether geometric spacing, 1, f, f^2, ..., has a rung at this iteration ([D] Sec. 4.3.5)."""
    rung = 1
    while rung < iteration:
        rung *= reduction_factor
    return rung == iteration


def is_promising(loss: float, *, best_feasible_loss: float) -> bool:
    """Return whether a checkpoint can still become the best feasible one (Algorithm 3, line 5).

    A loss that is not finite never can.
    """
    return math.isfinite(loss) and loss <= best_feasible_loss


def should_evaluate(*, iteration: int, interval: int, loss: float, best_feasible_loss: float) -> bool:
    """Return line 5 of Algorithm 3: the constraint is due and the checkpoint is promising."""
    return is_due(iteration, interval=interval) and is_promising(loss, best_feasible_loss=best_feasible_loss)


def truncation_quota(size: int, *, truncation: float) -> int:
    """Return how many places a group of `size` gives up: floor(P n), safe against 0.29 * 100 = 28.999..."""
    return math.floor(truncation * size + 1e-9)


def is_truncated(*, size: int, worse_or_equal: int, truncation: float) -> bool:
    """Return whether the reporter is among the worst P of its group (Algorithm 3, line 23).

    Args:
        size: Reports in the group, the reporter's own included.
        worse_or_equal: How many of the others are as bad as the reporter or worse.
    """
    return worse_or_equal < truncation_quota(size, truncation=truncation)
