"""AutoDD and NASB at equal search time: how many steps that is, and a whole table at the smallest scale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inspector.console import Console
from inspector.errors import InputError
from search.autodd.data import open_run_data
from search.recipe import Recipe, merge
from search.reproduce import methods
from search.reproduce.equal_time import AutoDDSearch, equal_steps, step_ratio
from search.reproduce.experiment import Options
from search.reproduce.methods import AUTODD, NASB, RANDOM, Methods, recipe_of
from search.reproduce.registry import open_experiment
from search.reproduce.runner import Reproduction
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

QUIET = Console(json_output=True)
SEARCH = AutoDDSearch(num_steps=1000, one_shot_s=600.0, evolution_s=300.0, num_candidates=100)


@pytest.mark.parametrize(
    ("search", "ratio", "warm_up", "num_derived", "steps"),
    [
        (SEARCH, 1.0, 0.0, 0, 1500),  # 900 s at 0.6 s a step
        (SEARCH, 3.0, 0.0, 0, 500),
        (SEARCH, 3.0, 0.5, 0, 750),  # half of the steps are as short as the supernet's
        (SEARCH, 1.0, 0.0, 50, 1250),  # half of the evolution's time goes to what is derived
        (AutoDDSearch(1, 1.0, 0.0, 1), 9.0, 0.0, 0, 1),
    ],
)
def test_steps_that_take_as_long(
    search: AutoDDSearch, ratio: float, warm_up: float, num_derived: int, steps: int
) -> None:
    assert equal_steps(search, ratio=ratio, warm_up=warm_up, num_derived=num_derived) == steps


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("methods") / "photos", num_train=14)


def test_the_ratio_is_a_positive_number_and_leaves_nothing_behind(photos: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(photos, {"method": "nasb"})
    assert step_ratio(recipe, open_run_data(recipe), tmp_path, rounds=1) > 0
    assert not list(tmp_path.iterdir())


@pytest.fixture
def tiny(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Methods:
    """The experiment at the smallest scale."""

    def recipe_of(options: Options, seed: int, *, beside: Path) -> Recipe:
        limits = {"max_macs_g": 0.0014}
        return tiny_recipe(
            photos, merge({"network": {"retraining_start": "scratch"}, "limits": limits}, {"seed": seed})
        )

    monkeypatch.setattr(methods, "recipe_of", recipe_of)
    monkeypatch.setattr(methods, "step_ratio", lambda recipe, data, folder: 2.0)
    experiment = open_experiment("methods")
    assert isinstance(experiment, Methods)
    return experiment


def reproduce(experiment: Methods, folder: Path, *, only: tuple[str, ...] = ()) -> Any:
    return Reproduction(experiment, Options("quick", (1,)), folder, "", QUIET).run(only)


def test_all_rows_of_a_run(tiny: Methods, photos: Path, tmp_path: Path) -> None:
    table = reproduce(tiny, tmp_path)
    figures = {entry.row: entry.figures for entry in table.measured}
    assert list(figures) == [AUTODD, NASB, RANDOM]
    assert all(0 < found["aupr"] <= 100 for found in figures.values())
    assert figures[RANDOM]["search_min"] == 0 < figures[NASB]["search_min"]
    assert max(found["macs_g"] for found in figures.values()) <= 0.0014
    chosen = json.loads((tmp_path / "work" / "nasb-1" / "steps.json").read_text())
    assert figures[NASB]["search_steps"] == chosen["steps"]
    events = (tmp_path / "work" / "autodd-1" / "run" / "events.jsonl").read_text().splitlines()
    first = next(event for event in map(json.loads, events) if event["kind"] == "candidate")
    assert figures[RANDOM]["genes"] == first["genes"]


def test_steps_are_decided_once(tiny: Methods, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that was killed would otherwise find other steps, and its folder one of another recipe."""
    folder = tmp_path / "work" / "nasb-1"
    folder.mkdir(parents=True)
    (folder / "steps.json").write_text('{"steps": 4, "step_ratio": 2.0}')
    monkeypatch.setattr(methods, "step_ratio", lambda *args: pytest.fail("timed again"))
    (entry,) = reproduce(tiny, tmp_path, only=(NASB,)).measured
    assert entry.figures["search_steps"] == 4


def test_nasb_waits_for_autodd(tiny: Methods, tmp_path: Path) -> None:
    (entry,) = reproduce(tiny, tmp_path, only=(NASB,)).measured
    assert "AutoDD, whose row is not finished" in entry.error


@pytest.mark.parametrize("preset", ["quick", "cpu", "paper"])
def test_every_preset_is_a_recipe_of_the_space_unet_within_limits(
    preset: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photos.parent
    monkeypatch.setattr("search.reproduce.photo_sets.MVTEC_CLASSES", (photos.name,))
    recipe = recipe_of(Options(preset, (0,), data=data if preset == "paper" else photos), 3, beside=tmp_path)
    assert recipe.data.root == photos
    assert (recipe.seed, recipe.network.retraining_start) == (3, "scratch")
    assert methods._random_genes(recipe) != "0" * 18


def test_real_presets_need_real_photos(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the preset cpu needs real data"):
        Methods().rows(Options("cpu", (0,)))
