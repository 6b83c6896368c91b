"""A whole run with a robust loss and wrong masks, resumed like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.console import Advance, Console
from search.autodd.run import run_search
from tests.search.conftest import tiny_recipe

NOISE = {
    "loss": {"segmentation": "rll"},
    "mask_noise": {"training": 0.5, "fitness": 0.5},
}


class KilledError(Exception):
    """Stands for a kill."""


class KilledAtRetraining(Console):
    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        if what == "retraining":
            raise KilledError("killed")
        with super().progress(total, what) as advance:
            yield advance


def test_a_run_under_noise_that_was_killed_ends_as_the_whole_one(mvtec: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(mvtec, NOISE)
    whole = run_search(recipe, tmp_path / "whole", console=Console())
    with pytest.raises(KilledError, match="killed"):
        run_search(recipe, tmp_path / "killed", console=KilledAtRetraining())
    resumed = run_search(recipe, tmp_path / "killed", console=Console())
    assert resumed["genes"] == whole["genes"]
    assert resumed["metrics"]["pixel_aupr"] == whole["metrics"]["pixel_aupr"]
    assert resumed["recipe"]["loss"]["segmentation"] == "rll"


def test_the_noise_of_the_fitness_changes_no_weight_of_the_supernet(mvtec: Path, tmp_path: Path) -> None:
    def losses(fitness: float) -> list[float]:
        run = tmp_path / f"{fitness}"
        run_search(tiny_recipe(mvtec, {"mask_noise": {"fitness": fitness}}), run, console=Console())
        events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
        return [event["loss"] for event in events if event.get("stage") == "one_shot" and "loss" in event]

    clean, noisy = losses(0.0), losses(1.0)
    assert clean
    assert clean == noisy
