"""Chapter 5's tables: each row is the recipe that it should be, and takes from other rows what [D] says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.console import Console
from inspector.errors import InputError, RunError
from search.recipe import Recipe, parse_recipe
from search.reproduce import chapter_5, photo_sets, plot
from search.reproduce.chapter_5 import Chapter5
from search.reproduce.experiment import NOT_READABLE, Options, Row
from search.reproduce.figure_5_4 import Figure54
from search.reproduce.photo_sets import MVTEC_CLASSES
from search.reproduce.registry import EXPERIMENTS, open_experiment
from search.reproduce.runner import Reproduction
from search.reproduce.table_5_1 import Table51
from search.reproduce.table_5_2 import Table52
from search.reproduce.table_5_3 import Table53
from tests.search.nets.peers.cells import ALL_OPERATIONS

NAMES = ("table-5.1", "table-5.2", "table-5.3", "figure-5.4")
UNET = "012" * 6
CELLS = "".join(str(gene) for gene in ALL_OPERATIONS[0])


@pytest.fixture
def mvtec(tmp_path: Path) -> Path:
    """The folders of the five classes and of DTD; nothing is read from them here."""
    for name in (*MVTEC_CLASSES, "dtd"):
        (tmp_path / "mvtec" / name).mkdir(parents=True)
    return tmp_path / "mvtec"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Recipe]:
    """Instead of a search: the recipe is kept by the row's name, and a result is written."""
    kept: dict[str, Recipe] = {}

    def run_search(recipe: Recipe, run: Path, *, console: Console) -> dict[str, Any]:
        kept[run.parent.name] = recipe
        network = recipe.network
        digits = network.genes or {"unet": UNET, "nas_unet": CELLS}.get(network.family, "")
        space = network.family if digits else ""
        joint = recipe.defects.style == "joint"
        result = {
            "genes": {"space": "joint" if joint else space, "digits": digits + "2" * joint},
            "network": {"genes": digits},
            "recipe": recipe.model_dump(mode="json"),
            "params": 2_000_000,
            "macs_g": 1.5,
            "metrics": {"pixel_aupr": 0.1 * len(kept), "pixel_auroc": 0.9, "pro": 0.8, "image_auroc": 0.7},
            "seconds": {"retraining": 120.0, "one_shot": 30.0, "evolution": 30.0},
        }
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        if not network.is_fixed and not (run / "checkpoints" / "one_shot.pt").exists():
            (run / "checkpoints" / "one_shot.pt").write_text(f"trained by {run.parent.name}")
        (run / "result.json").write_text(json.dumps(result))
        return result

    monkeypatch.setattr(chapter_5, "run_search", run_search)
    monkeypatch.setattr(plot, "dot_plot", lambda table, path: None)  # drawn after every row
    return kept


def reproduce(experiment: Chapter5, data: Path, folder: Path, *, only: tuple[str, ...] = ()) -> Any:
    options = Options(preset="paper", seeds=(3,), data=data)
    return Reproduction(experiment, options, folder, "", Console(json_output=True)).run(only)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("preset", ["quick", "cpu", "paper"])
def test_every_row_of_every_preset_is_a_recipe(
    name: str, preset: str, mvtec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_sets, "write_demo_part", lambda root, seed: root.mkdir(parents=True))
    experiment = open_experiment(name)
    assert isinstance(experiment, Chapter5)
    options = Options(preset, seeds=(0,), data=None if preset == "quick" else mvtec)
    rows = experiment.rows(options)
    assert len({row.key for row in rows}) == len(rows)
    photos = chapter_5.photo_sets(options)[0]
    for method in experiment.methods:
        if method.runs and not method.genes_of:
            record = experiment.recipe(method, photos, 0, folder=mvtec / "work" / "row", options=options)
            recipe = parse_recipe(record)
            assert (recipe.network.width, recipe.preset) == (chapter_5.WIDTHS[preset], preset)
    assert experiment.notes(options)


def test_paper_rows_carry_what_the_dissertation_prints(mvtec: Path) -> None:
    rows = {row.key: row for row in Table51().rows(Options("paper", (0,), data=mvtec))}
    assert rows["autodd-capsule"].published == {"aupr": "56.64", "auroc": "94.40"}
    assert rows["nas-unet-metal_nut"].published == {"aupr": "37.90", "auroc": "73.11"}
    assert rows["draem-average"].published == {"aupr": "75.69", "auroc": "97.71"}
    assert rows["autoad-cable"].published == {"aupr": "–", "auroc": "87.00"}
    assert not rows["autoad-cable"].runs
    styles = {row.key: row.published for row in Table52().rows(Options("paper", (0,), data=mvtec))}
    assert styles["joint-average"] == {"aupr": "74.37", "auroc": "96.14"}
    assert styles["joint-cable"] == {}  # [D] prints averages alone
    figure = Figure54().rows(Options("paper", (0,), data=mvtec))
    assert {row.published["params_m"] for row in figure} == {NOT_READABLE}


def test_the_average_of_a_published_column_is_the_published_average() -> None:
    for method in Table51.methods:
        for place in (0, 1):
            column = [method.published[name][place] for name in MVTEC_CLASSES]
            if "–" not in column:
                mean = sum(float(value) for value in column) / len(column)
                assert mean == pytest.approx(float(method.published["average"][place]), abs=0.0151)


def test_genes_are_searched_on_capsule_and_trained_elsewhere(
    mvtec: Path, runs: dict[str, Recipe], tmp_path: Path
) -> None:
    table = reproduce(Table51(), mvtec, tmp_path / "run")
    assert table.num_pending == 0
    assert not runs["autodd-capsule-3"].network.is_fixed
    assert runs["autodd-cable-3"].network.genes == UNET
    assert not runs["nas-unet-capsule-3"].network.is_fixed
    assert runs["nas-unet-bottle-3"].network.genes == CELLS
    assert all(recipe.seed == 3 for recipe in runs.values())
    assert runs["draem-cable-3"].network.reconstructor_width == 128  # DRAEM's own
    assert runs["draem-cable-3"].limits.max_params_m is None
    assert runs["autodd-cable-3"].limits.max_params_m == 40
    assert runs["scunet-cable-3"].defects.textures == mvtec / "dtd"
    averages = [table.numbers(row, table.figures[0]) for row in table.rows if row.key == "autodd-average"]
    classes = [
        table.numbers(row, table.figures[0])[0] for row in table.rows if row.key.startswith("autodd-")
    ][:-1]
    assert averages == [[pytest.approx(sum(classes) / 5)]]


def test_styles_train_the_network_that_perlin_found_and_joint_searches_its_own(
    mvtec: Path, runs: dict[str, Recipe], tmp_path: Path
) -> None:
    reproduce(Table52(), mvtec, tmp_path / "run")
    assert not runs["perlin-capsule-3"].network.is_fixed
    for style in ("cutout", "cutpaste", "scar"):
        for place in ("capsule", "cable"):
            recipe = runs[f"{style}-{place}-3"]
            assert (recipe.network.genes, recipe.defects.style) == (UNET, style)
    assert runs["joint-capsule-3"].defects.joint_styles == ("perlin", "cutout", "cutpaste", "scar")
    # The gene 2 of the joint search is the third style: it draws the defects of the other classes.
    assert (runs["joint-cable-3"].defects.style, runs["joint-cable-3"].network.genes) == ("cutpaste", UNET)


def test_searchers_share_the_supernet_of_the_first(
    mvtec: Path, runs: dict[str, Recipe], tmp_path: Path
) -> None:
    reproduce(Table53(), mvtec, tmp_path / "run")
    for key in ("random-aupr", "random-auroc"):
        supernet = tmp_path / "run" / "work" / f"{key}-capsule-3" / "run" / "checkpoints" / "one_shot.pt"
        assert supernet.read_text() == "trained by ea-aupr-capsule-3"
    assert runs["random-auroc-capsule-3"].evolution.searcher == "random"
    assert runs["random-auroc-capsule-3"].evolution.fitness == "auroc"
    assert runs["ea-aupr-capsule-3"].evolution.searcher == "evolution"


def test_a_row_that_needs_another_says_which(mvtec: Path, runs: dict[str, Recipe], tmp_path: Path) -> None:
    table = reproduce(Table51(), mvtec, tmp_path / "run", only=("autodd-cable", "scunet-average"))
    errors = [entry.error for entry in table.measured]
    assert errors == [
        "its genes are those of the row autodd, which is not finished; run that row first",
        "the average needs the rows scunet-capsule-3, scunet-bottle-3, scunet-cable-3, scunet-hazelnut-3, "
        "scunet-metal_nut-3; the same command runs them",
    ]
    assert runs == {}


def test_the_figure_takes_rows_of_a_table_with_the_same_options(
    mvtec: Path, runs: dict[str, Recipe], tmp_path: Path
) -> None:
    reproduce(Table51(), mvtec, tmp_path / "table-5.1", only=("scunet-capsule",))
    runs.clear()
    reproduce(Figure54(), mvtec, tmp_path / "figure-5.4", only=("scunet-capsule", "draem-capsule"))
    assert list(runs) == ["draem-capsule-3"]
    assert (tmp_path / "figure-5.4" / "plot.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("preset", "data", "message"),
    [
        ("cpu", False, "the preset cpu needs real data: --data FOLDER; quick draws its own"),
        ("paper", True, "capsule, bottle, cable, hazelnut, metal_nut are not there"),
    ],
)
def test_missing_data_is_named(preset: str, data: bool, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        Table51().rows(Options(preset, (0,), data=tmp_path if data else None))


def test_a_table_of_real_data_uses_the_tiles_below_the_folder_or_the_folder_itself(tmp_path: Path) -> None:
    own: list[Row] = Table51().rows(Options("cpu", (0,), data=tmp_path))
    assert own[0].key == f"autodd-{tmp_path.name}"
    (tmp_path / "magnetic_tile").mkdir()
    tiles = Table51().rows(Options("cpu", (0,), data=tmp_path))
    assert tiles[0].key == "autodd-magnetic_tile"
    assert tiles[0].published["aupr"] == "79.30"


def test_all_four_are_listed() -> None:
    assert set(NAMES) <= set(EXPERIMENTS)
    with pytest.raises(RunError, match=r"the row autodd, which is not finished"):
        chapter_5._found("autodd", Path("nowhere"))
