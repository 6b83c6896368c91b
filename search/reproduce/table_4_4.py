"""Table 4.4: what the stratum and the skipping of evaluations are worth.

Source: [D] Table 4.4, Sec. 4.3.4.
"""

from __future__ import annotations

from collections.abc import Sequence

from search.reproduce.credit.cell import EASY, HARD, Cell
from search.reproduce.credit.rows import (
    AUC,
    EVALUATIONS,
    SECONDS_TO_BEST,
    TITLES,
    TRIALS,
    CellRow,
    CreditExperiment,
    threshold_label,
)
from search.reproduce.experiment import Row

CHOICES = {
    "ace_hard": ("hard stopping", "yes"),
    "ace_noskip": ("stratum", "no"),
    "ace": ("stratum", "yes"),
}
PUBLISHED = {
    (HARD, "ace_hard"): "84.94 ± 0.31",
    (HARD, "ace_noskip"): "85.37 ± 0.02",
    (HARD, "ace"): "85.38 ± 0.06",
    (EASY, "ace_hard"): "85.74 ± 0.05",
    (EASY, "ace_noskip"): "85.69 ± 0.03",
    (EASY, "ace"): "85.79 ± 0.07",
}


class Table44(CreditExperiment):
    """Two thresholds, three variants of ACE, random search."""

    name = "table-4.4"
    title = "Table 4.4: choices of the early stopping"
    source = "[D] Table 4.4"
    figures = (AUC, SECONDS_TO_BEST, TRIALS, EVALUATIONS)

    def cell_rows(self) -> Sequence[CellRow]:
        return [_row(threshold, policy) for threshold in (HARD, EASY) for policy in CHOICES]


def _row(threshold: float, policy: str) -> CellRow:
    criterion, skips = CHOICES[policy]
    row = Row(
        key=f"{'hard' if threshold == HARD else 'easy'}-{policy}",
        labels={
            "Constraint": threshold_label(threshold),
            "Method": TITLES[policy],
            "Stopping criterion": criterion,
            "Low-overhead evaluation": skips,
        },
        published={"auc": PUBLISHED[(threshold, policy)]},
    )
    return CellRow(row, Cell(policy, "random", threshold))
