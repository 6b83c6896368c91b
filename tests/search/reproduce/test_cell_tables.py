"""The tables of chapter 3: their rows and published numbers, and one row run from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inspector.console import Console
from inspector.errors import DatasetError
from search.nasb.cifar10 import SMALL_FILE
from search.nasb.methods import METHODS
from search.nets.cell.genotype import parse_genotype
from search.reproduce import cell_tables
from search.reproduce.cell_tables import SCALES
from search.reproduce.experiment import Experiment, Options
from search.reproduce.runner import Reproduction
from search.reproduce.table_3_2 import Table32
from search.reproduce.table_3_3 import Table33

TINY = replace(
    SCALES["quick"],
    num_cells=3,
    search_images=8,
    batch_size=4,
    compact=replace(SCALES["quick"].compact, num_cells=3, batch_size=8),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with twenty drawn images in place of CIFAR-10's part."""
    rng = np.random.default_rng(0)
    file = tmp_path / "data" / SMALL_FILE
    file.parent.mkdir(parents=True)
    train, test = (rng.integers(256, size=(num, 32, 32, 3), dtype=np.uint8) for num in (20, 10))
    np.savez(file, x_train=train, y_train=np.arange(20) % 10, x_test=test, y_test=np.arange(10))
    return tmp_path / "data"


def reproduction(experiment: Experiment, data: Path, run: Path) -> Reproduction:
    options = Options(preset="quick", seeds=(2,), data=data)
    return Reproduction(experiment, options, run, f"inspector reproduce {experiment.name}", Console())


def test_all_six_methods_run_and_the_others_are_printed() -> None:
    rows = Table32().rows(Options(preset="cpu", seeds=(2,)))
    assert [row.key for row in rows if row.runs] == list(METHODS)
    published = {row.key: row.published for row in rows}
    assert published["nasb"]["error"] == "2.64 ± 0.09"
    assert published["nasp"]["kept_mb"] == "9587 (GPU)"
    assert published["nasb-cmp-896"]["search_min"] == "(1.48 ± 0.02) × 4 h"
    assert published["darts-1"] == {}


def test_the_four_supernets_of_table_3_3() -> None:
    rows = Table33().rows(Options(preset="cpu", seeds=(2,)))
    assert [row.key for row in rows if row.runs] == ["same-8", "same-20", "different-8", "different-20"]
    assert [row.published["error"] for row in rows if not row.runs] == ["2.58", "2.78", "2.76", "2.68"]


def test_the_preset_paper_is_the_dissertation_s() -> None:
    scale = SCALES["paper"]
    assert (scale.num_cells, scale.channels, scale.batch_size, scale.num_epochs) == (8, 16, 60, 50)
    compact = scale.compact
    assert (compact.num_cells, compact.channels, compact.num_epochs, compact.batch_size) == (20, 36, 600, 96)
    assert (compact.drop_path, compact.cutout_px, compact.seed) == (0.2, 16, 0)


@pytest.mark.parametrize("preset", ["quick", "cpu"])
def test_small_presets_say_what_they_cannot_show(preset: str) -> None:
    notes = " ".join(Table32().notes(Options(preset=preset, seeds=(2,))))
    assert "does not rank their cells" in notes
    assert "does not rank" not in " ".join(Table32().notes(Options(preset="paper", seeds=(2,))))


def test_a_row_from_images_to_a_test_error(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cell_tables.SCALES, "quick", TINY)
    table = reproduction(Table32(), data, tmp_path / "run").run(["nasb"])
    (measured,) = table.measured
    assert not measured.error
    assert 0.0 <= float(str(measured.figures["error"])) <= 100.0
    assert float(str(measured.figures["kept_mb"])) > 0.0
    genotype = (tmp_path / "run/work/nasb-2/genotype.txt").read_text().strip()
    assert parse_genotype(genotype).text() == genotype == measured.figures["genotype"]
    kinds = [
        json.loads(line)["kind"]
        for line in (tmp_path / "run/work/nasb-2/events.jsonl").read_text().splitlines()
    ]
    assert kinds == ["search", "compact"]


def test_missing_images_are_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    table = reproduction(Table32(), tmp_path / "empty", tmp_path / "run").run(["nasb"])
    assert "there is no" in table.measured[0].error
    with pytest.raises(DatasetError, match="cifar10_small"):
        cell_tables.load_images(Options(preset="cpu", seeds=(2,), data=tmp_path / "empty"))
