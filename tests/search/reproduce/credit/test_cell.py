"""A cell is measured once: a table beside takes it; and every row of the tables names a cell that can run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.console import Console
from search.ace.measured import Line
from search.ace.names import POLICY_NAMES, SEARCHER_NAMES
from search.ace.options import AceOptions, Constraint
from search.ace.outcome import TuningOutcome, outcome_of
from search.reproduce.credit import cell as cells
from search.reproduce.credit.cell import HARD, Cell, CreditBench, figures_of, history_of
from search.reproduce.credit.rows import CreditExperiment
from search.reproduce.experiment import Options
from search.reproduce.registry import open_experiment

OPTIONS = AceOptions("auc", "max", (Constraint("eod", 0.25),))
TUNING = [
    Line(1, "a", 1, 0.8, candidate=0.8, candidate_iteration=1, g={"eod": 0.2}, beta=1, cost_ratio=2.0),
    Line(2, "a", 2, 0.9, candidate=0.9, candidate_iteration=2, g={"eod": 0.3}, beta=1, cost_ratio=2.0),
    Line(3, "b", 1, 0.85, candidate=0.85, candidate_iteration=1, g={"eod": 0.1}, beta=7, cost_ratio=4.0),
]


def test_the_figures_of_a_tuning():
    figures = figures_of(outcome_of(TUNING, OPTIONS))
    assert figures == {
        "auc": pytest.approx(85.0),
        "seconds_to_best": 3,
        "trials": 2,
        "iterations": 3,
        "evaluations": 3,
        "beta_1": 50.0,
        "beta_T": 50.0,
        "r": 3.0,
        "seconds": 3,
    }
    assert history_of(outcome_of(TUNING, OPTIONS)) == [(1, 80.0), (3, 85.0)]


def test_a_tuning_that_found_nothing_has_no_score():
    figures = figures_of(outcome_of(TUNING[1:2], OPTIONS))
    assert (figures["auc"], figures["seconds_to_best"]) == (None, None)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> tuple[CreditBench, list[int]]:
    """A bench whose tunings cost nothing, and the seeds that it ran."""
    ran: list[int] = []

    def run(self: CreditBench, cell: Cell, seed: int, **_: Any) -> TuningOutcome:
        ran.append(seed)
        return outcome_of(TUNING, OPTIONS)

    monkeypatch.setattr(cells.CreditBench, "_run", run)
    return CreditBench(), ran


def test_the_same_cell_of_a_run_beside_is_taken_and_copied(bench, tmp_path: Path):
    instrument, ran = bench
    options = Options(preset="cpu", seeds=(20,), budget_s=60.0)
    first, second, third = (tmp_path / f"table-{i}" / "work" / "key-20" for i in range(3))

    def measure(cell: Cell, seed: int, folder: Path, budget_s: float = 60.0) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        asked = Options(preset="cpu", seeds=options.seeds, budget_s=budget_s)
        return instrument.measure(cell, seed, folder=folder, options=asked, console=Console())

    figures = measure(Cell("ace"), 20, first)
    assert measure(Cell("ace"), 20, second) == figures
    assert ran == [20]
    assert (second / "cell.json").read_bytes() == (first / "cell.json").read_bytes()
    for cell, seed, budget_s in (
        (Cell("ace_hard"), 20, 60.0),
        (Cell("ace", truncation=0.5), 20, 60.0),
        (Cell("ace", eod="vectorised"), 20, 60.0),
        (Cell("ace"), 21, 60.0),
        (Cell("ace"), 20, 61.0),
    ):
        measure(cell, seed, third, budget_s)
    assert len(ran) == 6
    assert json.loads((third / "cell.json").read_text())["identity"]["budget_s"] == 61.0


@pytest.mark.parametrize("name", ["table-4.3", "table-4.4", "table-4.5", "table-4.6", "figure-4.4"])
def test_each_row_names_a_cell_that_can_run(name):
    experiment = open_experiment(name)
    assert isinstance(experiment, CreditExperiment)
    entries = experiment.cell_rows()
    for entry in entries:
        assert entry.cell.policy in POLICY_NAMES
        assert entry.cell.searcher in SEARCHER_NAMES
        assert len(entry.row.published) <= len(experiment.figures)
        assert set(entry.row.published) <= {figure.key for figure in experiment.figures}
    assert len({entry.row.key for entry in entries}) == len(entries)
    rows = experiment.rows(Options(preset="cpu", seeds=(20,)))
    assert len({row.key for row in rows}) == len(rows) >= len(entries)


def test_table_4_3_has_the_published_numbers_of_the_hard_case_beside_its_rows():
    rows = {row.key: row for row in open_experiment("table-4.3").rows(Options(preset="cpu", seeds=(20,)))}
    assert rows["hard-random-ace"].published == {
        "auc": "85.38 ± 0.06",
        "trials": "283.7",
        "seconds_to_best": "2349",
    }
    assert rows["hard-random-ace-vectorised"].published == {}
    assert len(rows) == 2 * (3 * 5 + 1)


def test_tables_share_the_cells_that_they_have_in_common():
    """ACE of Table 4.4 is ACE of Table 4.3 and the 25 % of Figure 4.4: measured once."""

    def cells_of(name: str) -> set[Cell]:
        experiment = open_experiment(name)
        assert isinstance(experiment, CreditExperiment)
        return {entry.cell for entry in experiment.cell_rows()}

    shared = cells_of("table-4.3") & cells_of("table-4.4") & cells_of("figure-4.4")
    assert Cell("ace", "random", HARD) in shared
