"""`inspector reproduce styles`: rows differ in the style alone, and each is compared with perlin's."""

import json

import pytest

from inspector.console import Console
from inspector.errors import InputError
from search.recipe import parse_recipe
from search.reproduce import styles
from search.reproduce.experiment import Options
from search.reproduce.registry import open_experiment

FIGURES = {"pixel_auroc": 0.9, "image_auroc": 0.8, "pro": 0.7, "per_defect": {"crack": {"pixel_aupr": 0.1}}}


@pytest.fixture
def options(tmp_path):
    (tmp_path / "magnetic_tile").mkdir()
    return Options(preset="quick", seeds=(0,), data=tmp_path)


@pytest.fixture
def recipes(monkeypatch):
    """Recipes that were run, where each style reaches another AUPR."""
    seen = []

    def run(recipe, folder, *, console):
        seen.append(recipe)
        result = {"metrics": {**FIGURES, "pixel_aupr": {"perlin": 0.2}.get(recipe.defects.style, 0.3)}}
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(result))
        return result

    monkeypatch.setattr(styles, "run_search", run)
    return seen


def _measure(key, options, tmp_path):
    experiment = open_experiment("styles")
    row = next(row for row in experiment.rows(options) if row.key == key)
    folder = tmp_path / "work" / f"{key}-0"
    return experiment.measure(row, 0, folder=folder, options=options, console=Console(json_output=True))


def test_there_is_a_row_for_each_set_and_style_perlin_first(options):
    keys = [row.key for row in open_experiment("styles").rows(options)]
    assert keys == [f"{key}-{style}" for key in ("tile", "crack", "part") for style in styles.STYLES]
    assert styles.STYLES[0] == "perlin"


def test_a_row_is_compared_with_perlins_of_the_same_seed(options, recipes, tmp_path):
    assert _measure("tile-mixed", options, tmp_path)["over_perlin"] is None  # not measured yet
    assert _measure("tile-perlin", options, tmp_path)["over_perlin"] == 1.0
    surface = _measure("tile-surface", options, tmp_path)
    assert surface["over_perlin"] == pytest.approx(1.5)
    assert surface["aupr_crack"] == 0.1


def test_only_the_style_differs_between_rows(options, recipes, tmp_path):
    for style in styles.STYLES:
        _measure(f"tile-{style}", options, tmp_path)
    as_perlin = [
        recipe.model_copy(update={"defects": recipe.defects.model_copy(update={"style": "perlin"})})
        for recipe in recipes
    ]
    assert [recipe.defects.style for recipe in recipes] == list(styles.STYLES)
    assert as_perlin[0] == as_perlin[1] == as_perlin[2]
    assert as_perlin[0].network.is_fixed


@pytest.mark.parametrize("preset", ["quick", "cpu", "paper"])
def test_every_preset_gives_a_recipe(preset, tmp_path):
    options = Options(preset=preset, seeds=(0,), data=None)
    recipe = parse_recipe(styles._record("mixed", 3, options, root=tmp_path, layout="mvtec"))
    assert recipe.seed == 3
    assert recipe.network.genes == "0" * 18


def test_missing_data_is_named(options, tmp_path):
    with pytest.raises(InputError, match="CrackForest crops need the folder crackforest below --data"):
        _measure("crack-perlin", options, tmp_path)
