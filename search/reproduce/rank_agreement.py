"""How well one ranking of networks agrees with another: numbers in, numbers out.

Source: Kendall (1945), tau-b; its interval: Fieller, Hartley and Pearson (1957), which holds from about ten
networks on and is rough near a tau of 1 or -1.
Differs from the source: a tau of 1 or -1 is taken as half a pair less, so that it has an interval too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

MIN_NETWORKS = 10
CONFIDENCE = 0.95
_VARIANCE = 0.437  # of atanh(tau), times n - 4


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau between two rankings; `low` and `high` enclose it with 95 % confidence."""

    tau: float
    low: float
    high: float


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement | None:
    """Compare two figures of the same networks; None where one of them is the same for all networks.

    Raises:
        ValueError: there are fewer networks than the interval holds for.
    """
    num = len(first)
    if num < MIN_NETWORKS:
        raise ValueError(f"{num} networks are compared, but the interval needs {MIN_NETWORKS}")
    tau = float(stats.kendalltau(first, second).statistic)
    if math.isnan(tau):
        return None
    edge = 1.0 - 1.0 / (num * (num - 1) / 2)
    middle = math.atanh(max(-edge, min(edge, tau)))
    reach = stats.norm.ppf(0.5 + CONFIDENCE / 2) * math.sqrt(_VARIANCE / (num - 4))
    return Agreement(tau, math.tanh(middle - reach), math.tanh(middle + reach))


def share_of_best(ranked_by: Sequence[float], figure: Sequence[float]) -> float:
    """Return what a search that trusts `ranked_by` gets: the figure of its first network over the best one.

    >>> share_of_best([0.1, 0.9, 0.5], [0.2, 0.4, 0.8])
    0.5
    """
    first = max(range(len(ranked_by)), key=ranked_by.__getitem__)
    return figure[first] / max(figure)
