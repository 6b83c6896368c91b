"""The section `tune`: what it refuses, and how it lies over the run that it names."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.errors import RecipeError
from search.recipe import parse_recipe
from search.tune.perturbations import PERTURBATIONS
from search.tune.recipe import MILD, TuneRecipe

BASE: dict[str, Any] = {"preset": "quick", "data": {"root": "parts"}}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"spac": {}}, r"unknown key `tune\.spac`; the nearest known key is `tune\.space`"),
        (
            {"space": {"lr": [0.1, 1]}},
            r"`tune\.space\.lr`; the nearest known key is `tune\.space\.learning_rate`",
        ),
        (
            {"space": {"learning_rate": [0, 0.1]}},
            r"learning_rate is \[0\.0, 0\.1\], but its values must be from 1e-08",
        ),
        ({"space": {"learning_rate": [0.1, 0.01]}}, r"must be \[low, high\] with low < high"),
        ({"space": {"batch_size": [1]}}, r"batch_size is \[1\], but its values must be from 2"),
        ({"space": {"batch_size": []}}, r"batch_size is \[\]"),
        ({"space": {"ema_decay": [1.0]}}, r"ema_decay is \[1\.0\], but its values must be from 0 to 0\.9999"),
        ({"space": {"camera_probability": [0, 2]}}, r"camera_probability is .* must be from 0 to 1"),
        ({"space": dict.fromkeys(TuneRecipe().space.model_dump())}, r"nothing is tuned: every key is null"),
        ({"constraints": {}}, r"`tune\.constraints` is empty; choose one or more of robustness"),
        (
            {"constraints": {"robustness": {"strengths": {"fog": [1.0]}}}},
            r"names 'fog'; choose among exposure",
        ),
        (
            {"constraints": {"robustness": {"strengths": {"jpeg": [120.0]}}}},
            r"jpeg is 120 below quality 100, but must be above 0 and at most 99",
        ),
        (
            {"constraints": {"robustness": {"strengths": {"jpeg": []}}}},
            r"names no strength of any perturbation",
        ),
        ({"constraints": {"size": {}}}, r"`tune\.constraints\.size\.max_mb` is missing"),
        ({"trials": None}, r"has no budget; set `trials`, `seconds` or both"),
        ({"policy": "median"}, r"`tune\.policy` is 'median'"),
        ({"truncation": 1.0}, r"`tune\.truncation` is 1\.0"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_do(section: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_recipe({**BASE, "tune": section})


def test_a_recipe_without_the_section_is_written_and_read_without_it() -> None:
    recipe = parse_recipe(BASE)
    assert recipe.tune is None
    assert "tune: null" in recipe.as_yaml()


def test_thresholds_are_those_of_the_chosen_constraints_alone() -> None:
    section = {"constraints": {"false_rejects": {"max_rate": 0.02}, "size": {"max_mb": 3}}}
    tune = parse_recipe({**BASE, "tune": section}).tune
    assert tune is not None
    assert tune.constraints.thresholds() == {"false_rejects": 0.02, "size": 3.0}


def test_the_mild_strengths_name_every_kind_within_its_range() -> None:
    assert MILD.keys() == PERTURBATIONS.keys()
    for kind, strengths in MILD.items():
        assert all(0 < strength <= PERTURBATIONS[kind].largest for strength in strengths)
