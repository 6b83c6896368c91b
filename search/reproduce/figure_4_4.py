"""Figure 4.4: the truncation percentage against the best feasible AUC and the number of trials.

Source: [D] Fig. 4.4, Sec. 4.3.6.
Differs from the source: the copy of [D] does not show the figure; its point at 25 % is ACE's row of
Table 4.3.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from search.report.figure import BLUE, VERMILION
from search.reproduce.canvas import canvas
from search.reproduce.credit.cell import EASY, HARD, Cell
from search.reproduce.credit.rows import (
    AUC,
    EVALUATIONS,
    SECONDS_TO_BEST,
    TRIALS,
    CellRow,
    CreditExperiment,
    threshold_label,
)
from search.reproduce.experiment import NOT_READABLE, Row
from search.reproduce.table import Table

PERCENTAGES = (3, 13, 25, 50, 75)
PUBLISHED = {(HARD, 25): ("85.38", "283.7"), (EASY, 25): ("85.79", "1200.0")}
COLOURS = {HARD: BLUE, EASY: VERMILION}
MARKERS = {HARD: "o", EASY: "s"}
CONSTRAINT, PERCENTAGE = "Constraint", "Truncation (%)"


class Figure44(CreditExperiment):
    """Two thresholds, five percentages, random search."""

    name = "figure-4.4"
    title = "Figure 4.4: truncation percentages of ACE"
    source = "[D] Fig. 4.4"
    figures = (AUC, TRIALS, SECONDS_TO_BEST, EVALUATIONS)

    def cell_rows(self) -> Sequence[CellRow]:
        return [_row(threshold, percentage) for threshold in (HARD, EASY) for percentage in PERCENTAGES]

    def plot(self, table: Table, path: Path) -> None:
        """Draw the mean AUC over the percentages, a dot a seed; under each mean, AUC and number of trials."""
        if not any(table.numbers(row, AUC) for row in table.rows):
            return
        with canvas(path, height_in=4.4) as axes:
            for threshold in (HARD, EASY):
                _draw(axes, table, threshold)
            axes.set_xticks(range(len(PERCENTAGES)), [str(percentage) for percentage in PERCENTAGES])
            axes.set_xlabel("Truncation percentage")
            axes.set_ylabel(AUC.heading)
            axes.margins(y=0.2)
            axes.grid(axis="y")
            axes.legend(frameon=False)


def _draw(axes: Axes, table: Table, threshold: float) -> None:
    rows = [row for row in table.rows if row.labels[CONSTRAINT] == threshold_label(threshold)]
    places, means = [], []
    for place, row in enumerate(rows):
        values, trials = table.numbers(row, AUC), table.numbers(row, TRIALS)
        if not values:
            continue
        mean = statistics.fmean(values)
        places.append(place)
        means.append(mean)
        axes.plot([place] * len(values), values, MARKERS[threshold], color=COLOURS[threshold], alpha=0.35)
        axes.annotate(
            f"{mean:.2f}\n{statistics.fmean(trials):.0f} trials",
            (place, mean),
            xytext=(0, -30),
            textcoords="offset points",
            ha="center",
            fontsize=8,
            color=COLOURS[threshold],
        )
    if places:
        axes.plot(
            places,
            means,
            "-" + MARKERS[threshold],
            color=COLOURS[threshold],
            label=threshold_label(threshold),
        )


def _row(threshold: float, percentage: int) -> CellRow:
    auc, trials = PUBLISHED.get((threshold, percentage), (NOT_READABLE, NOT_READABLE))
    row = Row(
        key=f"{'hard' if threshold == HARD else 'easy'}-{percentage}",
        labels={CONSTRAINT: threshold_label(threshold), PERCENTAGE: str(percentage)},
        published={"auc": auc, "trials": trials},
    )
    return CellRow(row, Cell("ace", "random", threshold, truncation=percentage / 100.0))
