"""The candidates of the evolution: size against fitness, best by generation, the top ten.

Source: [D] Sec. 5.2.4, Algorithm 4.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from search.events import Event
from search.report.figure import BLUE, INK, MUTED, VERMILION, Chart, Plot
from search.report.record import series

BYTES_PER_PARAMETER = 4
TOP = 10
_FITNESS = "fitness, synthetic validation"


def ranked(candidates: list[Event]) -> list[Event]:
    """Return the candidates with a finite fitness, best first; ties go to the smaller network."""
    finite = [event for event in candidates if _is_number(event.get("fitness"))]
    return sorted(finite, key=lambda event: (-event["fitness"], event.get("params", 0)))


def size_limit_mb(limits: Mapping[str, Any]) -> float | None:
    """Return the tighter of the limits on megabytes and on parameters, as megabytes; None without one."""
    size_mb, params_m = limits.get("max_size_mb"), limits.get("max_params_m")
    bounds = [size_mb] if size_mb else []
    if params_m:
        bounds.append(params_m * BYTES_PER_PARAMETER)
    return min(bounds, default=None)


def scatter_chart(
    candidates: list[Event], *, winner: str | None, limit_mb: float | None, num_rejected: int
) -> Chart:
    """Draw every candidate by size and fitness, coloured by generation, with the winner and the limit."""
    title = "Size against fitness"
    best_first = ranked(candidates)
    if not best_first:
        return Chart(title, "No candidate was evaluated yet.")
    plot = Plot("population")
    size_mb = [event["size_mb"] for event in best_first]
    fitness = [event["fitness"] for event in best_first]
    generation = [event.get("generation", 0) for event in best_first]
    dots = plot.axes.scatter(
        size_mb,
        fitness,
        c=generation,
        edgecolor=INK,
        linewidth=0.25,
        cmap="cividis",
        vmin=0,
        vmax=max(1, *generation),
        s=16,
        alpha=0.85,
    )
    bar = plot.figure.colorbar(dots, ax=plot.axes, label="generation", ticks=MaxNLocator(5, integer=True))
    bar.ax.yaxis.labelpad = 2
    bar.outline.set_visible(False)
    chosen = next((event for event in best_first if event["genes"] == winner), None)
    if chosen is not None:
        plot.axes.scatter(
            chosen["size_mb"],
            chosen["fitness"],
            marker="*",
            s=190,
            color=VERMILION,
            edgecolor=INK,
            label="winner",
        )
    _draw_limit(plot, limit_mb, largest_mb=max(size_mb))
    plot.axes.set(xlabel="size in MB", ylabel=_FITNESS)
    plot.legend()
    num_dropped = sum(bool(event.get("dropped")) for event in candidates)
    text = _scatter_text(best_first, chosen, limit_mb, num_rejected=num_rejected, num_dropped=num_dropped)
    return Chart(title, text, plot.svg())


def progress_chart(candidates: list[Event]) -> Chart:
    """Draw, for each generation, the best fitness so far and the median of the new candidates."""
    title = "Best fitness by generation"
    by_generation: defaultdict[int, list[float]] = defaultdict(list)
    for event in ranked(candidates):
        by_generation[int(event.get("generation", 0))].append(event["fitness"])
    if not by_generation:
        return Chart(title, "No candidate was evaluated yet.")
    generation = sorted(by_generation)
    best = np.maximum.accumulate([max(by_generation[g]) for g in generation])
    median = [float(np.median(by_generation[g])) for g in generation]
    plot = Plot("progress")
    plot.axes.plot(generation, best, color=VERMILION, marker="o", markersize=4, label="best so far")
    plot.axes.plot(
        generation, median, color=BLUE, ls="--", marker="s", markersize=3, label="median of the new ones"
    )
    plot.axes.set(xlabel="generation", ylabel=_FITNESS, xlim=(generation[0] - 0.5, generation[-1] + 0.5))
    plot.axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    plot.legend()
    text = (
        f"Best fitness {best[0]:.4f} in generation {generation[0]}, {best[-1]:.4f} after generation "
        f"{generation[-1]}. The weights are inherited from the supernet."
    )
    return Chart(title, text, plot.svg())


def _draw_limit(plot: Plot, limit_mb: float | None, *, largest_mb: float) -> None:
    """Draw the limit where it would not push all candidates into a corner; else only name it."""
    if limit_mb is None:
        return
    if limit_mb <= 1.5 * largest_mb:
        plot.axes.axvline(limit_mb, color=INK, ls="--", lw=1.2, label=f"limit {limit_mb:g} MB")
    else:
        plot.axes.text(
            0.99,
            0.02,
            f"limit {limit_mb:g} MB →",
            transform=plot.axes.transAxes,
            ha="right",
            color=MUTED,
            fontsize=9,
        )


def _scatter_text(
    best_first: list[Event],
    chosen: Event | None,
    limit_mb: float | None,
    *,
    num_rejected: int,
    num_dropped: int,
) -> str:
    sizes = series(best_first, "size_mb", "fitness")[0]
    parts = [f"{len(best_first)} candidates of {sizes.min():.2f} to {sizes.max():.2f} MB."]
    if chosen is not None:
        parts.append(f"The winner has {chosen['size_mb']:.2f} MB and a fitness of {chosen['fitness']:.4f}.")
    if limit_mb is not None:
        parts.append(f"The limit is {limit_mb:g} MB.")
    if num_rejected:
        parts.append(f"{num_rejected} more were over a limit and were rejected before evaluation.")
    if num_dropped:
        parts.append(
            f"{num_dropped} more are not drawn: their evaluation was ended early, when it was certain that "
            "they would not be among the best."
        )
    return " ".join(parts)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
