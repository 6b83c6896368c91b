"""Table 4.3: best feasible AUC and time to it under the fairness constraint, by searcher and policy.

Source: [D] Table 4.3, Sec. 4.3.2.
Differs from the source: TPE with Optuna's constraints is a third searcher; each searcher runs with all five
policies; ACE has a second row whose EOD is vectorised, which changes r.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from search.ace.names import SEARCHER_NAMES
from search.reproduce.credit.cell import EASY, HARD, Cell
from search.reproduce.credit.rows import (
    AUC,
    BETA_1,
    COST_RATIO,
    EVALUATIONS,
    SEARCHER_TITLES,
    SECONDS_TO_BEST,
    TITLES,
    TRIALS,
    CellRow,
    CreditExperiment,
    threshold_label,
)
from search.reproduce.experiment import Row

POLICIES = ("no_stopping", "no_stopping_callback", "asha", "asha_callback", "ace")
# (threshold, searcher, policy) -> best feasible AUC, trials, seconds to the best
PUBLISHED = {
    (HARD, "blend", "no_stopping"): ("84.95 ± 0.43", "276.0", "3667"),
    (HARD, "blend", "no_stopping_callback"): ("84.98 ± 0.51", "626.3", "305"),
    (HARD, "blend", "asha"): ("82.88 ± 3.13", "3664.3", "3765"),
    (HARD, "blend", "asha_callback"): ("85.06 ± 0.35", "4252.0", "319"),
    (HARD, "blend", "ace"): ("85.53 ± 0.03", "1799.3", "1749"),
    (HARD, "random", "no_stopping"): ("84.28 ± 0.45", "37.0", "3615"),
    (HARD, "random", "asha"): ("84.19 ± 0.35", "3497.7", "3653"),
    (HARD, "random", "ace"): ("85.38 ± 0.06", "283.7", "2349"),
    (EASY, "blend", "no_stopping"): ("85.85 ± 0.03", "694.3", "3604"),
    (EASY, "blend", "no_stopping_callback"): ("85.83 ± 0.05", "307.0", "957"),
    (EASY, "blend", "asha"): ("85.82 ± 0.08", "3763.3", "3618"),
    (EASY, "blend", "asha_callback"): ("85.81 ± 0.11", "3677.3", "1455"),
    (EASY, "blend", "ace"): ("85.89 ± 0.00", "2197.7", "3262"),
    (EASY, "random", "no_stopping"): ("85.71 ± 0.10", "37.0", "3603"),
    (EASY, "random", "asha"): ("85.77 ± 0.03", "3596.7", "3617"),
    (EASY, "random", "ace"): ("85.79 ± 0.07", "1200.0", "1177"),
}


class Table43(CreditExperiment):
    """Two thresholds, three searchers, five policies, and ACE with the fast EOD."""

    name = "table-4.3"
    title = "Table 4.3: best feasible AUC under the fairness constraint"
    source = "[D] Table 4.3"
    figures = (AUC, SECONDS_TO_BEST, TRIALS, EVALUATIONS, BETA_1, COST_RATIO)

    def cell_rows(self) -> Sequence[CellRow]:
        return _cell_rows()


@cache
def _cell_rows() -> tuple[CellRow, ...]:
    rows = []
    for threshold in (HARD, EASY):
        for searcher in SEARCHER_NAMES:
            rows += [_row(Cell(policy, searcher, threshold)) for policy in POLICIES]
        rows.append(_row(Cell("ace", "random", threshold, eod="vectorised")))
    return tuple(rows)


def _row(cell: Cell) -> CellRow:
    fast = cell.eod == "vectorised"
    case = "hard" if cell.threshold == HARD else "easy"
    key = f"{case}-{cell.searcher}-{cell.policy}" + ("-vectorised" if fast else "")
    published = None if fast else PUBLISHED.get((cell.threshold, cell.searcher, cell.policy))
    figures = ("auc", "trials", "seconds_to_best")
    row = Row(
        key=key,
        labels={
            "Constraint": threshold_label(cell.threshold),
            "Searcher": SEARCHER_TITLES[cell.searcher],
            "Early stopping": TITLES[cell.policy] + (", vectorised EOD" if fast else ""),
        },
        published={} if published is None else dict(zip(figures, published, strict=True)),
    )
    return CellRow(row, cell)
