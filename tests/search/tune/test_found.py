"""Which network is tuned: that of a finished run, or genes; what is refused before anything is trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from inspector.console import Console
from inspector.errors import BudgetError, RecipeError, RunError
from search.autodd.run import run_search
from search.recipe import Recipe
from search.tune.found import check_sizes, found_network, load_tune_recipe, settings_of, specs_of
from search.tune.space import first_config, ray_space, trial_recipe
from tests.search.conftest import tiny_recipe
from tests.search.tune.conftest import GENES, tiny_tune


@pytest.fixture(scope="module")
def finished(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `inspector search` with one network only, which saves the search."""
    run = tmp_path_factory.mktemp("runs") / "found"
    run_search(tiny_recipe(parts, {"network": {"genes": GENES}}), run, console=Console(json_output=True))
    return run


def write(folder: Path, record: dict[str, Any]) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(record))
    return path


def test_a_recipe_takes_what_it_leaves_open_from_the_run_that_it_names(
    finished: Path, tmp_path: Path
) -> None:
    recipe = load_tune_recipe(write(tmp_path, {"tune": {"run": str(finished), "trials": 2}, "seed": 3}))
    assert (recipe.data.size, recipe.seed, recipe.retraining.learning_rate) == (32, 3, 0.003)
    chosen = found_network(recipe, settings_of(recipe))
    assert (chosen.space, chosen.digits, chosen.spec.width) == ("unet", GENES, 2)


def test_a_joint_winner_is_tuned_on_the_defects_that_it_was_found_with(
    finished: Path, tmp_path: Path
) -> None:
    """The genes lost their style: trials drew defects of every style that had been searched."""
    run = tmp_path / "joint"
    shutil.copytree(finished, run)
    result = json.loads((run / "result.json").read_text())
    result["genes"] = {"space": "joint", "digits": GENES + "1"}
    result["recipe"]["network"]["genes"] = None
    result["recipe"]["defects"] |= {"style": "joint", "joint_styles": ["cutout", "scar"]}
    (run / "result.json").write_text(json.dumps(result))
    recipe = load_tune_recipe(write(tmp_path, {"tune": {"run": "joint"}}))
    chosen = found_network(recipe, settings_of(recipe))
    assert recipe.defects.style == "scar"
    assert (chosen.space, chosen.digits, chosen.style) == ("unet", GENES, "scar")


def test_a_relative_run_is_relative_to_the_recipe(finished: Path) -> None:
    path = write(finished.parent, {"tune": {"run": "found"}})
    assert settings_of(load_tune_recipe(path)).run == finished.resolve()


@pytest.mark.parametrize(
    ("record", "error", "message"),
    [
        ({"preset": "quick"}, RecipeError, r"has no section `tune`; add one, such as"),
        ({"tune": {"run": "nowhere"}}, RunError, r"nowhere is no run: it has no result\.json"),
        ({"tune": {"run": "half"}}, RunError, r"half is not finished; continue it"),
    ],
)
def test_a_recipe_without_a_tuning_or_a_finished_run_is_refused(
    tmp_path: Path, record: dict[str, Any], error: type[Exception], message: str
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "recipe.yaml").write_text("seed: 0")
    with pytest.raises(error, match=message):
        load_tune_recipe(write(tmp_path, record))


def test_a_recipe_that_names_no_network_is_refused(parts: Path) -> None:
    recipe = tiny_tune(parts, {"network": {"genes": None}})
    with pytest.raises(RecipeError, match=r"names no network to tune: set tune\.run"):
        found_network(recipe, settings_of(recipe))


def test_a_latency_needs_a_device(parts: Path) -> None:
    recipe = tiny_tune(parts, {"tune": {"constraints": {"latency": {"max_ms": 5}}}})
    with pytest.raises(RecipeError, match=r"tune\.constraints\.latency needs limits\.device"):
        settings_of(recipe)


def checked(recipe: Recipe) -> None:
    settings = settings_of(recipe)
    check_sizes(recipe, settings, specs_of(found_network(recipe, settings).spec, settings))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"tune": {"constraints": {"size": {"max_mb": 0.001}}}},
            r"no network meets the constraints: size .* MB",
        ),
        (
            {"limits": {"device": "jetson-nano"}, "tune": {"constraints": {"latency": {"max_ms": 0.001}}}},
            r"no network meets the constraints: latency .* ms over 0\.001 ms",
        ),
        (
            {"limits": {"max_params_m": 0.05}, "tune": {"space": {"width": [2, 64]}}},
            r"network of width 64 is over the recipe's limits: parameters",
        ),
    ],
)
def test_what_no_training_can_mend_is_refused_first(
    parts: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BudgetError, match=message):
        checked(tiny_tune(parts, changes))


def test_one_width_that_fits_is_enough_for_a_constraint_on_size(parts: Path) -> None:
    checked(
        tiny_tune(parts, {"tune": {"space": {"width": [2, 64]}, "constraints": {"size": {"max_mb": 1.0}}}})
    )


def test_the_space_has_a_domain_for_everything_that_is_tuned_and_the_first_trial_is_the_recipe(
    parts: Path,
) -> None:
    recipe = tiny_tune(parts, {"tune": {"space": {"ssim": None, "learning_rate": [0.01, 0.1]}}})
    settings = settings_of(recipe)
    config = first_config(recipe, settings.space)
    assert config.keys() == ray_space(settings.space).keys()
    assert "ssim" not in config
    assert config["learning_rate"] == 0.01  # the recipe's 0.003 lies below the range
    assert (config["batch_size"], config["blend_max"], config["camera_probability"]) == (4, 0.8, 0.0)
    made = trial_recipe(recipe, settings, config)
    assert made.loss.ssim == recipe.loss.ssim
    assert made.retraining.steps == settings.iterations * settings.steps_per_iteration
