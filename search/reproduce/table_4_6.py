"""Table 4.6: geometric against linear intervals, hard case.

Source: [D] Table 4.6, Sec. 4.3.5.
Differs from the source: TPE with Optuna's constraints is a third searcher.
"""

from __future__ import annotations

from collections.abc import Sequence

from search.ace.names import SEARCHER_NAMES, SearcherName
from search.reproduce.credit.cell import HARD, Cell
from search.reproduce.credit.rows import (
    AUC,
    EVALUATIONS,
    SEARCHER_TITLES,
    SECONDS_TO_BEST,
    TITLES,
    TRIALS,
    CellRow,
    CreditExperiment,
)
from search.reproduce.experiment import Row

# policy -> interval type, stopping criterion, constraint interval
METHODS = {
    "asha": ("geometric", "no stratum", "fixed"),
    "asha_stratum": ("geometric", "stratum", "fixed"),
    "asha_stratum_not_fixed": ("geometric", "stratum", "not fixed"),
    "ace_noskip": ("linear", "stratum", "not fixed"),
}
PUBLISHED = {
    ("blend", "asha"): "85.05 ± 0.35",
    ("blend", "asha_stratum"): "85.35 ± 0.07",
    ("blend", "asha_stratum_not_fixed"): "85.16 ± 0.07",
    ("blend", "ace_noskip"): "85.41 ± 0.09",
    ("random", "asha"): "84.19 ± 0.35",
    ("random", "asha_stratum"): "85.27 ± 0.16",
    ("random", "asha_stratum_not_fixed"): "85.32 ± 0.17",
    ("random", "ace_noskip"): "85.37 ± 0.02",
}


class Table46(CreditExperiment):
    """Three searchers, four methods."""

    name = "table-4.6"
    title = "Table 4.6: geometric and linear intervals, EOD <= 0.25"
    source = "[D] Table 4.6"
    figures = (AUC, SECONDS_TO_BEST, TRIALS, EVALUATIONS)

    def cell_rows(self) -> Sequence[CellRow]:
        return [_row(searcher, policy) for searcher in SEARCHER_NAMES for policy in METHODS]


def _row(searcher: SearcherName, policy: str) -> CellRow:
    """ASHA of this table has the constraint callback where the searcher takes constraints, as published."""
    interval, criterion, constraint_interval = METHODS[policy]
    with_callback = policy == "asha" and searcher != "random"
    row = Row(
        key=f"{searcher}-{policy}",
        labels={
            "Searcher": SEARCHER_TITLES[searcher],
            "Method": TITLES["asha_callback" if with_callback else policy],
            "Interval type": interval,
            "Stopping criterion": criterion,
            "Constraint interval": constraint_interval,
        },
        published={"auc": PUBLISHED[(searcher, policy)]} if (searcher, policy) in PUBLISHED else {},
    )
    return CellRow(row, Cell("asha_callback" if with_callback else policy, searcher, HARD))
