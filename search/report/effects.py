"""What each operation at each node did to the fitness, over everything that was evaluated.

Source: [D] Sec. 6, future work on explaining a found architecture.

A marginal mean is the mean fitness of all candidates that have the operation at the node. An evolution
evaluates the company of good genes more often than that of bad ones, so that a mean tells what went with an
operation, not what it did alone; among candidates that were drawn at random both are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from search.autodd.pareto import Point
from search.events import Event

CONFIDENCE = 0.95
MIN_COUNT = 2  # for an interval


@dataclass(frozen=True)
class MarginalMean:
    """Mean fitness of the candidates with one operation at one node; no interval from fewer than two."""

    gene: int
    num: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class NodeEffect:
    """One node: its marginal means, and what a cheap operation loses there against the dense convolution.

    Args:
        loss: Mean fitness with gene 0 less that with the best of the other genes; None where one was never
            evaluated. `loss_low` and `loss_high` are its Welch interval.
    """

    node: int
    means: tuple[MarginalMean, ...]
    cheap: int | None
    loss: float | None
    loss_low: float | None
    loss_high: float | None

    @property
    def verdict(self) -> str:
        """What the interval says: `needs the convolution`, `better without`, `no difference seen`, ``."""
        if self.loss_low is None or self.loss_high is None:
            return ""
        if self.loss_low > 0:
            return "needs the convolution"
        return "better without" if self.loss_high < 0 else "no difference seen"


def node_effects(candidates: Sequence[Event], *, num_nodes: int, num_values: int) -> list[NodeEffect]:
    """Return the effect of each of the first `num_nodes` genes; candidates without a fitness do not count."""
    whole = [event for event in candidates if event.get("fitness") is not None]
    genes = np.array([[int(digit) for digit in event["genes"][:num_nodes]] for event in whole], int)
    fitness = np.array([event["fitness"] for event in whole], float)
    if not len(whole):
        return []
    return [_node_effect(node, genes[:, node], fitness, num_values) for node in range(num_nodes)]


def prices(points: Sequence[Point], cost: str) -> list[Point]:
    """Return the points of an archive by what each step up in `cost` bought, cheapest first.

    Args:
        cost: `size_mb`, `macs_g` or `latency_ms`. Only points that are better than everything cheaper count.
    """
    return sorted((point for point in points if cost in point.fronts), key=lambda point: point.cost(cost))


def last_step(steps: Sequence[Point], cost: str, *, share: float = 0.8) -> tuple[Point, Point] | None:
    """Return the best point within `share` of the dearest one's cost, and the dearest one.

    None where there is nothing within that share.
    """
    if not steps:
        return None
    within = [point for point in steps if point.cost(cost) <= share * steps[-1].cost(cost)]
    return (within[-1], steps[-1]) if within else None


def _node_effect(node: int, genes: np.ndarray, fitness: np.ndarray, num_values: int) -> NodeEffect:
    groups = [fitness[genes == value] for value in range(num_values)]
    means = tuple(_marginal_mean(value, group) for value, group in enumerate(groups))
    cheap = [mean for mean in means[1:] if mean.mean is not None]
    if means[0].mean is None or not cheap:
        return NodeEffect(node, means, None, None, None, None)
    best = max(cheap, key=lambda mean: mean.mean if mean.mean is not None else -np.inf)
    assert best.mean is not None
    low, high = _welch(groups[0], groups[best.gene])
    return NodeEffect(node, means, best.gene, means[0].mean - best.mean, low, high)


def _marginal_mean(gene: int, group: np.ndarray) -> MarginalMean:
    if not len(group):
        return MarginalMean(gene, 0, None, None, None)
    mean = float(group.mean())
    if len(group) < MIN_COUNT:
        return MarginalMean(gene, len(group), mean, None, None)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(group) - 1) * group.std(ddof=1) / np.sqrt(len(group))
    return MarginalMean(gene, len(group), mean, mean - float(half), mean + float(half))


def _welch(a: np.ndarray, b: np.ndarray) -> tuple[float | None, float | None]:
    """Return Welch's interval of mean(a) - mean(b); none from fewer than two values or without any spread."""
    if min(len(a), len(b)) < MIN_COUNT or a.std() + b.std() == 0:
        return None, None
    interval = stats.ttest_ind(a, b, equal_var=False).confidence_interval(CONFIDENCE)
    return float(interval.low), float(interval.high)
