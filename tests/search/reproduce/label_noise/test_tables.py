"""Tables 2.1 and 2.3 and Figure 2.1: every kind of row from images to figures, and what is printed beside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inspector.console import Console
from inspector.errors import DatasetError
from search.losses.named import class_loss
from search.nets.cell.genotype import parse_genotype
from search.reproduce.experiment import NOT_READABLE, Experiment, Options
from search.reproduce.label_noise.risk_curves import correlation, ideal_line, mean_gap, random_genotype
from search.reproduce.label_noise.scale import SCALES, Scale
from search.reproduce.registry import open_experiment
from search.reproduce.runner import Reproduction
from search.reproduce.table import Table


def run(experiment: Experiment, folder: Path, data: Path, *only: str) -> Table:
    options = Options(preset="quick", seeds=(0,), data=data)
    console = Console(json_output=True)
    return Reproduction(experiment, options, folder, "inspector reproduce", console).run(only)


def figures(table: Table, key: str) -> dict[str, object]:
    (row,) = (row for row in table.rows if row.key == key)
    (entry,) = table.of(row)
    assert not entry.error
    return dict(entry.figures)


@pytest.mark.parametrize("key", ["darts-noisy_valid", "enas-all_noisy"])
def test_a_row_of_table_2_1_searches_and_trains_three_times(
    key: str, data: Path, tiny: Scale, tmp_path: Path
) -> None:
    found = figures(run(open_experiment("table-2.1"), tmp_path / "run", data, key), key)
    for name in ("clean_cce", "noisy_cce", "noisy_rll"):
        assert 0.0 <= float(str(found[name])) <= 100.0
    cells = parse_genotype(str(found["genotype"]))
    assert len(cells.normal[0].nodes) == tiny.num_nodes - 2


def test_rows_of_table_2_3_are_searches_and_a_fixed_network(data: Path, tiny: Scale, tmp_path: Path) -> None:
    keys = ["symmetric-0.6-darts_rll_cells", "hierarchical10-0.2-resnet18", "symmetric-0.6-enas_rll"]
    table = run(open_experiment("table-2.3"), tmp_path / "run", data, *keys)
    assert "genotype" not in figures(table, keys[1])
    for key in keys:
        assert 0.0 <= float(str(figures(table, key)["accuracy"])) <= 100.0


def test_a_search_that_is_finished_is_not_run_again(data: Path, tiny: Scale, tmp_path: Path) -> None:
    key, folder = "enas-all_clean", tmp_path / "run"
    first = figures(run(open_experiment("table-2.1"), folder, data, key), key)
    (folder / "rows" / f"{key}-0.json").unlink()
    (folder / "work" / f"{key}-0" / "search" / "search.pt").unlink()
    assert figures(run(open_experiment("table-2.1"), folder, data, key), key) == first


def test_cifar_100_is_not_run_where_it_is_missing(data: Path) -> None:
    options = Options(preset="cpu", seeds=(0,), data=data)
    rows = {row.key: row for row in open_experiment("table-2.3").rows(options)}
    assert {key.partition("-")[0] for key, row in rows.items() if not row.runs} == {"hierarchical100"}
    assert rows["hierarchical100-0.6-darts_rll"].published["accuracy"] == "46.41 ± 2.65"
    assert rows["symmetric-0.4-resnet18"].published["accuracy"] == "88.95 ± 0.14"
    assert not rows["hierarchical10-0.4-darts"].published  # a stand-in has no published value
    (data / "cifar-100-python").mkdir()
    assert all(row.runs for row in open_experiment("table-2.3").rows(options))


def test_only_values_that_both_copies_of_table_2_1_show_are_given() -> None:
    rows = open_experiment("table-2.1").rows(Options(preset="cpu", seeds=(0,)))
    given = {
        (row.key, key): value for row in rows for key, value in row.published.items() if value != NOT_READABLE
    }
    assert given == {
        ("darts-noisy_train", "noisy_rll"): "87.11",
        ("enas-noisy_valid", "noisy_rll"): "80.07",
        ("enas-all_noisy", "noisy_cce"): "80.34",
    }


def test_figure_2_1_has_two_curves_a_line_and_a_plot(data: Path, tiny: Scale, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    found = figures(run(open_experiment("figure-2.1"), folder, data, "a1-rll"), "a1-rll")
    curves = json.loads((folder / "work" / "a1-rll-0" / "curves.json").read_text())
    assert {len(curve) for curve in curves.values()} == {tiny.figure_epochs}
    line = ideal_line("rll", num_classes=10)
    assert curves["ideal"] == pytest.approx([line(risk) for risk in curves["clean"]])
    assert found["pcc"] == pytest.approx(np.corrcoef(curves["noisy"], curves["clean"])[0, 1])
    assert found["noisy"] == curves["noisy"][-1]
    assert (folder / "plot.png").stat().st_size > 10_000


@pytest.mark.parametrize("loss", ["cce", "rll", "mae"])
def test_the_ideal_line_leaves_an_undecided_network_where_it_is(loss: str) -> None:
    undecided = {"cce": np.log(10), "rll": 4.615121, "mae": 1.8}[loss]
    assert ideal_line(loss, num_classes=10)(undecided) == pytest.approx(undecided, abs=1e-6)


def test_the_line_of_a_symmetric_loss_is_theorem_1s() -> None:
    assert ideal_line("rll", num_classes=10).constant == class_loss("rll").constant(10)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1.0, 2.0, 3.0], [5.0, 7.0, 9.0], 1.0),
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], -1.0),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], None),
        ([1.0], [2.0], None),
    ],
)
def test_the_correlation_of_two_curves(
    first: list[float], second: list[float], expected: float | None
) -> None:
    assert correlation(first, second) == (None if expected is None else pytest.approx(expected))


def test_a_gap_is_relative() -> None:
    assert mean_gap([1.0, 4.0], [2.0, 2.0]) == pytest.approx(0.75)


@pytest.mark.parametrize("number", [1, 2])
def test_random_networks_have_two_edges_a_node_and_are_always_the_same(number: int) -> None:
    drawn = random_genotype(number, num_nodes=6)
    assert drawn == random_genotype(number, num_nodes=6)
    assert drawn != random_genotype(3 - number, num_nodes=6)
    for cell in (*drawn.normal, *drawn.reduce):
        for edges in cell.nodes:
            assert len({edge.source for edge in edges}) == 2
            assert all(edge.operation != "none" for edge in edges)


@pytest.mark.parametrize("name", ["figure-2.1", "table-2.1", "table-2.3"])
def test_missing_images_are_named(name: str, tmp_path: Path) -> None:
    experiment, options = open_experiment(name), Options(preset="quick", seeds=(0,), data=tmp_path)
    row = experiment.rows(options)[0]
    with pytest.raises(DatasetError, match="must name the folder that holds cifar10_small"):
        experiment.measure(row, 0, folder=tmp_path, options=options, console=Console())


@pytest.mark.parametrize("preset", sorted(SCALES))
@pytest.mark.parametrize("name", ["figure-2.1", "table-2.1", "table-2.3"])
def test_every_preset_says_how_large_it_is(name: str, preset: str) -> None:
    notes = " ".join(open_experiment(name).notes(Options(preset=preset, seeds=(0,))))
    assert str(SCALES[preset].batch) in notes
