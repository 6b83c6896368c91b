"""The plain plot of a table: one line a row, one dot a seed, the mean as a bar."""

from __future__ import annotations

import statistics
from pathlib import Path

from search.report.figure import BLUE, INK, MUTED
from search.reproduce.canvas import canvas
from search.reproduce.table import Table


def dot_plot(table: Table, path: Path) -> None:
    """Write a PNG of the first figure of every row that has been measured; nothing while there is none."""
    figure = table.figures[0]
    found = [(row, numbers) for row in table.rows if (numbers := table.numbers(row, figure))]
    if not found:
        return
    with canvas(path, height_in=1.2 + 0.36 * len(found)) as axes:
        for place, (_, numbers) in enumerate(found):
            mean = statistics.fmean(numbers)
            axes.plot([mean, mean], [place - 0.3, place + 0.3], color=INK, linewidth=2)
            axes.plot(numbers, [place] * len(numbers), "o", color=BLUE, alpha=0.75, markersize=6)
            axes.annotate(
                f"{mean:.{figure.digits}f}",
                (1.01, place),
                xycoords=("axes fraction", "data"),
                va="center",
                color=MUTED,
            )
        axes.set_yticks(range(len(found)), [" · ".join(row.labels.values()) for row, _ in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlabel(figure.heading)
        axes.grid(axis="x")
