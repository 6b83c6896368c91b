"""A table is run row by row: finished rows are kept, failed ones tried again, published ones never run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from inspector.console import Console
from inspector.errors import InputError, RunError, TrainingError
from search.reproduce.experiment import NOT_READABLE, Experiment, Figure, Options, Row, Value
from search.reproduce.runner import Reproduction
from search.reproduce.table import Table


class Tiny(Experiment):
    name = "table-0.1"
    title = "Table 0.1: sums"
    source = "[D] Table 0.1"
    figures = (Figure("score", "Score", 1), Figure("word", "Word"))

    def __init__(self, fail: Sequence[str] = ()) -> None:
        self.fail = set(fail)
        self.calls: list[tuple[str, int]] = []

    def rows(self, options: Options) -> list[Row]:
        return [
            Row("a", {"Method": "A"}, {"score": "1.5"}),
            Row("b", {"Method": "B"}, {"score": NOT_READABLE}, note="B stands in for C."),
            Row("c", {"Method": "C"}, {"score": "9.9"}, runs=False),
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        self.calls.append((row.key, seed))
        (folder / "kept").touch()
        if row.key in self.fail:
            raise TrainingError("the loss is not a number")
        return {"score": float(seed), "word": "yes", "beside": 3}

    def notes(self, options: Options) -> list[str]:
        return [f"Preset {options.preset}."]


def reproduction(folder: Path, experiment: Tiny, *, seeds: tuple[int, ...] = (1, 2)) -> Reproduction:
    options = Options(preset="cpu", seeds=seeds)
    return Reproduction(experiment, options, folder, "inspector reproduce table-0.1", Console())


def cells(table: Table, row: str) -> list[str]:
    line = next(line for line in table.markdown().splitlines() if line.startswith(f"| {row} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_all_rows_of_a_seed_come_before_the_next_seed(tmp_path: Path) -> None:
    experiment = Tiny()
    table = reproduction(tmp_path, experiment).run()
    assert experiment.calls == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert cells(table, "A") == ["A", "1.5 ± 0.7", "1.5", "yes"]
    assert cells(table, "B") == ["B", "1.5 ± 0.7", NOT_READABLE, "yes"]
    assert cells(table, "C") == ["C", "not run", "9.9", "not run"]
    assert table.num_pending == 0
    assert "B stands in for C." in table.markdown()
    assert "Preset cpu." in table.markdown()
    written = json.loads((tmp_path / "table.json").read_text())
    assert written["rows"][0]["measured"][1]["figures"] == {"score": 2.0, "word": "yes", "beside": 3}
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_finished_rows_are_never_run_again(tmp_path: Path) -> None:
    reproduction(tmp_path, Tiny()).run(["a"])
    second = Tiny()
    table = reproduction(tmp_path, second).run()
    assert second.calls == [("b", 1), ("b", 2)]
    assert table.num_pending == 0


def test_what_has_not_run_is_pending(tmp_path: Path) -> None:
    table = reproduction(tmp_path, Tiny()).run(["b"])
    assert cells(table, "A")[1] == "pending"
    assert table.num_pending == 2
    assert "2 of the runs are pending" in table.markdown()


def test_a_failed_row_is_told_and_tried_again(tmp_path: Path) -> None:
    table = reproduction(tmp_path, Tiny(fail=["a"])).run()
    assert cells(table, "A")[1] == "failed"
    assert cells(table, "B")[1] == "1.5 ± 0.7"
    assert "a, seed 1, failed: the loss is not a number" in table.markdown()
    again = Tiny()
    assert cells(reproduction(tmp_path, again).run(), "A")[1] == "1.5 ± 0.7"
    assert again.calls == [("a", 1), ("a", 2)]


def test_more_seeds_join_the_table(tmp_path: Path) -> None:
    reproduction(tmp_path, Tiny(), seeds=(1,)).run()
    table = reproduction(tmp_path, Tiny(), seeds=(1, 3)).run(["a"])
    assert cells(table, "A")[1] == "2.0 ± 1.4"
    assert cells(table, "B")[1] == "1.0 (1 of 2 seeds)"


def test_rows_of_two_presets_never_share_a_table(tmp_path: Path) -> None:
    reproduction(tmp_path, Tiny()).run(["a"])
    other = Reproduction(Tiny(), Options(preset="quick", seeds=(1,)), tmp_path, "x", Console())
    with pytest.raises(RunError, match="begun with preset 'cpu', now 'quick'"):
        other.run()


def test_an_unknown_row_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row z; the rows are a, b, c"):
        reproduction(tmp_path, Tiny()).run(["z"])


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    reproduction(tmp_path, Tiny()).run()
    (tmp_path / "rows" / "a-1.json").write_text('{"row": "a"')
    with pytest.raises(RunError, match=r"a-1\.json is damaged"):
        reproduction(tmp_path, Tiny()).run()


class Killed(Tiny):
    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        if seed == 2 and not (folder / "begun").exists():
            (folder / "begun").touch()
            raise KeyboardInterrupt("killed")
        return super().measure(row, seed, folder=folder, options=options, console=console)


def test_a_killed_table_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="killed"):
        reproduction(tmp_path, Killed()).run()
    second = Killed()
    # The folder of the row that was interrupted is still there.
    assert (tmp_path / "work" / "a-2" / "begun").exists()
    with pytest.raises(KeyboardInterrupt, match="killed"):
        reproduction(tmp_path, second).run()
    assert second.calls == [("a", 2)]
    third = Killed()
    assert reproduction(tmp_path, third).run().num_pending == 0
    assert third.calls == [("b", 2)]
