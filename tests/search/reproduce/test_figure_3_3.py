"""Figure 3.3: its rows, what a row runs, and its plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.console import Console
from search.cmp.parallel_plan import ParallelPlan
from search.cmp.search import Found
from search.nasb.cell_scale import Feeds
from search.nasb.compact_training import CompactResult
from search.reproduce import figure_3_3
from search.reproduce.experiment import NOT_READABLE, Options
from search.reproduce.figure_3_3 import Figure33
from search.reproduce.registry import open_experiment
from search.reproduce.runner import Reproduction

GENOTYPE = "a genotype"
cuts: dict[str, list[str]] = {}  # file of a cut -> the parallelisms that share it


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[ParallelPlan]:
    """Instead of a search: its plan is kept, and it lasts as long as it has devices, in minutes."""
    plans: list[ParallelPlan] = []
    cuts.clear()

    def search_cells(plan: ParallelPlan, feeds: Feeds, *, folder: Path, cut: Path) -> Found:
        plans.append(plan)
        cuts.setdefault(cut.name, []).append(plan.kind)
        return Found(GENOTYPE, 60.0 * len(plan.devices), 120)

    def train_compact(genotype: Any, *_args: Any, **_options: Any) -> CompactResult:
        assert genotype == GENOTYPE
        return CompactResult(test_error_percent=10.0 + len(plans), params=1000)

    class Data:
        train = None

    monkeypatch.setattr(figure_3_3, "search_cells", search_cells)
    monkeypatch.setattr(figure_3_3, "train_compact", train_compact)
    monkeypatch.setattr(figure_3_3, "parse_genotype", lambda text: text)
    monkeypatch.setattr(figure_3_3, "load_images", lambda _options: Data())
    monkeypatch.setattr(figure_3_3, "make_feeds", lambda *_args, **_options: None)
    return plans


def test_every_row_of_the_paper_has_its_devices_and_its_batch(tmp_path: Path) -> None:
    experiment = open_experiment("figure-3.3")
    rows = {row.key: row for row in experiment.rows(Options("paper", (2,), data=tmp_path))}
    assert len(rows) == 1 + 3 * 4 + 1
    batches = {key: rows[key].labels["Batch"] for key in ("one", "cmp-2", "dp-3", "gpipe-4", "cmp-dp-4")}
    assert batches == {"one": "224", "cmp-2": "416", "dp-3": "512", "gpipe-4": "896", "cmp-dp-4": "896"}
    assert rows["cmp-4"].published == {"error": "2.53 ± 0.06", "search_min": "1.48 ± 0.02 h"}
    assert set(rows["mp-2"].published.values()) == {NOT_READABLE}


def test_rows_are_searched_on_their_devices_with_one_batch_and_drawn(
    searched: list[ParallelPlan], tmp_path: Path
) -> None:
    options = Options("cpu", (2,), data=tmp_path)
    table = Reproduction(Figure33(), options, tmp_path / "run", "", Console(json_output=True)).run()
    assert [(plan.kind, len(plan.devices), plan.num_partitions) for plan in searched] == [
        ("mp", 1, 1),
        ("mp", 2, 2),
        ("cmp", 2, 2),
        ("gpipe", 2, 2),
        ("dp", 2, 1),
        ("cmp-dp", 4, 2),
    ]
    assert {plan.scale.batch_size for plan in searched} == {25}
    assert cuts["cut-2-of-2-2.json"] == ["mp", "cmp", "gpipe"]
    assert table.num_pending == 0
    minutes = {row.key: table.numbers(row, table.figures[0]) for row in table.rows}
    assert minutes == {
        "one": [1.0],
        "mp-2": [2.0],
        "cmp-2": [2.0],
        "gpipe-2": [2.0],
        "dp-2": [2.0],
        "cmp-dp-4": [4.0],
    }
    assert (tmp_path / "run" / "plot.png").stat().st_size > 0
    Reproduction(Figure33(), options, tmp_path / "run", "", Console(json_output=True)).run()
    assert len(searched) == 6  # nothing is run twice
