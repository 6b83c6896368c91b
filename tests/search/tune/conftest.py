"""One small tuning's recipe, data and material, shared by the tests of the trials."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.autodd.data import open_run_data
from search.recipe import Recipe, merge
from search.tune.found import found_network, settings_of
from search.tune.material import Material, make_material
from search.tune.recipe import TuneRecipe
from tests.conftest import write_mvtec
from tests.search.ace.local_ray import local_ray
from tests.search.conftest import tiny_recipe

GENES = "012" * 6
TINY_TUNE: dict[str, Any] = {
    "network": {"genes": GENES},
    "tune": {
        "trials": 3,
        "iterations": 3,
        "steps_per_iteration": 2,
        "validation_images": 8,
        "constraints": {
            "false_rejects": {"max_rate": 0.9},
            "robustness": {
                "max_failures": 0.9,
                "images": 2,
                "strengths": {"exposure": [0.5], "shift": [3.0]},
            },
        },
    },
}


def tiny_tune(root: Path, changes: dict[str, Any] | None = None) -> Recipe:
    """A tuning of a network of width 2 at 32x32; `changes` are laid over it."""
    return tiny_recipe(root, merge(TINY_TUNE, changes or {}))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("data") / "parts", num_train=14)


@pytest.fixture(scope="module")
def recipe(parts: Path) -> Recipe:
    return tiny_tune(parts)


@pytest.fixture(scope="module")
def settings(recipe: Recipe) -> TuneRecipe:
    return settings_of(recipe)


@pytest.fixture(scope="module")
def material(recipe: Recipe, settings: TuneRecipe) -> Material:
    assert found_network(recipe, settings).digits == GENES
    return make_material(recipe, settings, open_run_data(recipe))


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Any]:
    """The `ray` module, initialised; that of the tests of ACE where they ran before."""
    import ray

    if ray.is_initialized():
        yield ray
        return
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder,
        local_ray(folder) as ray,
    ):
        yield ray
