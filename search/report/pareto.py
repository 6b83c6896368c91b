"""The archive of a search on the page: fitness against each cost, and the points that can be picked.

Source: none; [D] ends with one network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import MaxNLocator

from search.autodd.pareto import Point
from search.report.effects import prices
from search.report.figure import BLUE, INK, MUTED, VERMILION, Chart, Plot
from search.report.record import RunRecord, series

MAX_ROWS = 24  # more points: only those on the edge of a plot
MAX_NUMBERS = 14  # more would hide the points that they name


@dataclass(frozen=True)
class Cost:
    """One cost: its field, what it is called, its unit, and the limit that bounds it."""

    field: str
    name: str
    unit: str
    limit: str


COSTS = (
    Cost("macs_g", "multiply-adds", "GMAC", "max_macs_g"),
    Cost("size_mb", "size", "MB", "max_size_mb"),
    Cost("latency_ms", "predicted latency", "ms", "max_latency_ms"),
)


@dataclass(frozen=True)
class ParetoSection:
    """The charts, one a cost that was counted, and the rows of the table.

    left_out: How many points of the archive have no row.
    command: What picks a point of this run.
    num_dropped: Candidates whose evaluation was ended early, so that they cannot be points.
    """

    charts: tuple[Chart, ...]
    rows: tuple[Point, ...]
    left_out: int
    command: str
    num_dropped: int
    has_latency: bool


def pareto_section(record: RunRecord) -> ParetoSection | None:
    """Return what the page shows of the archive; None where nothing was evaluated."""
    candidates = record.candidates()
    points = record.archive
    if not points:
        return None
    winner = (record.result.get("genes") or {}).get("digits")
    charts = [_chart(cost, candidates, points, winner=winner, limits=record.limits) for cost in COSTS]
    rows = points if len(points) <= MAX_ROWS else [point for point in points if point.fronts]
    return ParetoSection(
        charts=tuple(chart for chart in charts if chart is not None),
        rows=tuple(rows),
        left_out=len(points) - len(rows),
        command=f"inspector search RECIPE --run {record.name} --pick N",
        num_dropped=sum(bool(event.get("dropped")) for event in candidates),
        has_latency=points[0].latency_ms is not None,
    )


def _chart(
    cost: Cost,
    candidates: Sequence[dict[str, object]],
    points: Sequence[Point],
    *,
    winner: str | None,
    limits: Mapping[str, float],
) -> Chart | None:
    """Draw all candidates faintly, and as steps the most fitness that each cost buys."""
    front = prices(points, cost.field)
    if not front:
        return None
    plot = Plot(f"pareto-{cost.field.replace('_', '-')}")
    x, y = series(list(candidates), cost.field, "fitness")
    plot.axes.scatter(x, y, s=10, color=MUTED, alpha=0.35, linewidth=0, label="evaluated")
    front_x = np.array([point.cost(cost.field) for point in front])
    front_y = np.array([point.fitness for point in front])
    plot.axes.step(front_x, front_y, where="post", color=BLUE, linewidth=1.2)
    plot.axes.scatter(front_x, front_y, s=22, color=BLUE, zorder=3, label="archive")
    for point in front[:: -(-len(front) // MAX_NUMBERS)]:
        place = (point.cost(cost.field), point.fitness)
        plot.axes.annotate(
            str(point.number), place, xytext=(3, -10), textcoords="offset points", color=INK, fontsize=8
        )
    chosen = [event for event in candidates if event["genes"] == winner]
    if chosen:
        plot.axes.scatter(*series(chosen, cost.field, "fitness"), marker="*", s=190, color=VERMILION,
                          edgecolor=INK, zorder=4, label="winner")  # fmt: skip
    limit = limits.get(cost.limit)
    if limit is not None and limit <= 1.5 * x.max():
        plot.axes.axvline(limit, color=INK, ls="--", lw=1.2, label=f"limit {limit:g} {cost.unit}")
    plot.axes.xaxis.set_major_locator(MaxNLocator(6))
    plot.axes.set(xlabel=f"{cost.name} in {cost.unit}", ylabel="fitness, synthetic validation")
    plot.legend()
    return Chart(f"Fitness against {cost.name}", _text(cost, front, num_all=len(x)), plot.svg())


def _text(cost: Cost, front: Sequence[Point], *, num_all: int) -> str:
    first, last = front[0], front[-1]
    text = f"{len(front)} of {num_all} candidates have the most fitness for their {cost.name}: "
    text += f"from {first.fitness:.4f} at {first.cost(cost.field):.3g} {cost.unit} (point {first.number})"
    if len(front) == 1:
        return text + "."
    return text + f" to {last.fitness:.4f} at {last.cost(cost.field):.3g} {cost.unit} (point {last.number})."
