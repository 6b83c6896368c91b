"""Table 4.5: the adaptive interval against beta = 1 and beta = T, for a cheap and an expensive constraint.

Source: [D] Table 4.5, Sec. 4.3.4.
Differs from the source: the expensive constraint of [D], the average failure rate of a language model (AFR),
is replaced by this project's own: the share of verdicts that change when a camera's picture does, which
`inspector tune` bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from inspector.console import Console
from search.reproduce.credit.cell import Cell
from search.reproduce.credit.rows import (
    BETA_1,
    BETA_T,
    COST_RATIO,
    EVALUATIONS,
    TITLES,
    TRIALS,
    CellRow,
    CreditExperiment,
)
from search.reproduce.experiment import Figure, Options, Row, Value
from search.reproduce.robustness import ROBUSTNESS, measure_robustness

POLICIES = ("ace_beta_1", "ace_beta_T", "ace")
SCORE = Figure("auc", "Best feasible score (%)")
# policy -> score, share of beta = 1, share of beta = T
CHEAP = {
    "ace_beta_1": ("85.38 ± 0.05", "100", "0"),
    "ace_beta_T": ("84.61 ± 0.57", "0", "100"),
    "ace": ("85.38 ± 0.06", "87", "13"),
}
EXPENSIVE = {
    "ace_beta_1": ("84.33 ± 1.80", "100", "0"),
    "ace_beta_T": ("79.82 ± 2.93", "0", "100"),
    "ace": ("85.93 ± 1.15", "36", "64"),
}
EXPENSIVE_KEY = "robustness-"


class Table45(CreditExperiment):
    """Two constraints, three intervals, random search."""

    name = "table-4.5"
    title = "Table 4.5: the constraint evaluation interval"
    source = "[D] Table 4.5"
    figures = (SCORE, BETA_1, BETA_T, COST_RATIO, TRIALS, EVALUATIONS)

    def cell_rows(self) -> Sequence[CellRow]:
        return [
            CellRow(_row(f"eod-{policy}", "EOD <= 0.25 (cheap)", policy, CHEAP, "1.94"), Cell(policy))
            for policy in POLICIES
        ]

    def rows(self, options: Options) -> Sequence[Row]:
        label = f"{ROBUSTNESS} (expensive; published: AFR <= 0.2)"
        expensive = [
            _row(f"{EXPENSIVE_KEY}{policy}", label, policy, EXPENSIVE, "23.98") for policy in POLICIES
        ]
        return [*super().rows(options), *expensive]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        if row.key.startswith(EXPENSIVE_KEY):
            policy = row.key.removeprefix(EXPENSIVE_KEY)
            return measure_robustness(policy, seed, folder=folder, options=options, console=console)
        return super().measure(row, seed, folder=folder, options=options, console=console)

    def notes(self, options: Options) -> Sequence[str]:
        return (
            *super().notes(options),
            "The robustness rows stand in for the published AFR rows: another task, another score (pixel "
            "AUPR), another constraint; comparable is which interval does best when r is large.",
        )


def _row(key: str, label: str, policy: str, published: Mapping[str, tuple[str, str, str]], r: str) -> Row:
    score, beta_1, beta_t = published[policy]
    return Row(
        key=key,
        labels={"Constraint": label, "Method": TITLES[policy]},
        published={"auc": score, "beta_1": beta_1, "beta_T": beta_t, "r": r},
    )
