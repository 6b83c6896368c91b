"""What the tables on the credit data share: their figures, their rows, and the sentences under them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from search.reproduce.credit.cell import DEFAULT_BUDGET_S, ROUNDS_PER_ITERATION, SLOTS, Cell, CreditBench
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value

AUC = Figure("auc", "Best feasible AUC (%)")
SECONDS_TO_BEST = Figure("seconds_to_best", "Time to best (s)", 0)
TRIALS = Figure("trials", "Trials", 1)
EVALUATIONS = Figure("evaluations", "Constraint evaluations", 0)
BETA_1 = Figure("beta_1", "beta = 1 (% of trials)", 0)
BETA_T = Figure("beta_T", "beta = T (% of trials)", 0)
COST_RATIO = Figure("r", "r")
TITLES = {
    "no_stopping": "No stopping",
    "no_stopping_callback": "No stopping, constraint callback",
    "asha": "ASHA",
    "asha_callback": "ASHA, constraint callback",
    "ace": "ACE",
    "ace_hard": "ACE-hard",
    "ace_noskip": "ACE-noskip",
    "ace_beta_1": "ACE, beta = 1",
    "ace_beta_T": "ACE, beta = T",
    "asha_stratum": "ASHA-stratum",
    "asha_stratum_not_fixed": "ASHA-stratum, interval not fixed",
}
SEARCHER_TITLES = {"random": "Random search", "tpe": "TPE, constrained", "blend": "BlendSearch"}


@dataclass(frozen=True)
class CellRow:
    """A row, and the cell that is measured for it."""

    row: Row
    cell: Cell


class CreditExperiment(Experiment):
    """A table of cells."""

    default_seeds = (20, 21, 22)
    presets: ClassVar[tuple[str, ...]] = ("cpu",)
    takes_budget = True
    needs_data = True

    def __init__(self) -> None:
        self._bench = CreditBench()

    def cell_rows(self) -> Sequence[CellRow]:
        """Return the rows and their cells, in the order of the table."""
        raise NotImplementedError

    def rows(self, options: Options) -> Sequence[Row]:
        return [entry.row for entry in self.cell_rows()]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        cell = next(entry.cell for entry in self.cell_rows() if entry.row.key == row.key)
        return self._bench.measure(cell, seed, folder=folder, options=options, console=console)

    def notes(self, options: Options) -> Sequence[str]:
        budget_s = options.budget_s or DEFAULT_BUDGET_S
        return (
            f"Budget {budget_s:g} s for each row and seed (published: one hour), {SLOTS} trials at a time of "
            f"one thread each (published: 4), one ACE iteration is {ROUNDS_PER_ITERATION} boosting rounds.",
            "EOD by fairlearn unless a row says otherwise. The data's noise and split are drawn once, so "
            "absolute AUC is not comparable with the published one.",
            "Without a constraint callback, constraints are evaluated after the budget, from the best trial "
            "down; that time counts.",
        )


def threshold_label(threshold: float) -> str:
    """Return the label of a threshold, as the tables print it."""
    return f"EOD <= {threshold:g} ({'hard' if threshold == 0.25 else 'easy'})"
