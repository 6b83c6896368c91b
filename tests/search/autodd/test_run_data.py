"""A run goes on with the photos and the device that it was begun with, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from inspector.console import Advance, Console
from inspector.errors import RunError
from inspector.latency import open_profile, write_profile
from search.autodd.run import run_search
from search.limits.limits import device_record
from tests.search.conftest import tiny_recipe


class KilledError(Exception):
    """Stands for a kill."""


class KilledAtEvolution(Console):
    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        if what == "evolution":
            raise KilledError("killed")
        with super().progress(total, what) as advance:
            yield advance


@pytest.mark.slow
def test_photos_that_came_after_a_kill_are_refused(mvtec: Path, tmp_path: Path) -> None:
    # The run went on with another split, so that photos of the calibration part had been trained on; the
    # fingerprint at its end fitted the new photos, and export saw nothing wrong.
    run, recipe = tmp_path / "run", tiny_recipe(mvtec)
    with pytest.raises(KilledError, match="killed"):
        run_search(recipe, run, console=KilledAtEvolution())
    added = mvtec / "train/good/900.png"
    shutil.copy(mvtec / "train/good/000.png", added)
    with pytest.raises(RunError, match=r"the photos at .* have changed since .*run was begun"):
        run_search(recipe, run, console=Console())
    added.unlink()
    assert run_search(recipe, run, console=Console())["state"] == "finished"


@pytest.mark.slow
def test_a_device_that_was_measured_again_after_a_kill_is_refused(mvtec: Path, tmp_path: Path) -> None:
    # What is feasible changes with it: half of the candidates came from one device, half from another.
    path, run = tmp_path / "line7.json", tmp_path / "run"
    nano = open_profile("jetson-nano")
    write_profile(nano, path)
    tiny = tiny_recipe(mvtec)
    recipe = tiny.model_copy(update={"limits": tiny.limits.model_copy(update={"device": str(path)})})
    with pytest.raises(KilledError, match="killed"):
        run_search(recipe, run, console=KilledAtEvolution())
    write_profile(nano.model_copy(update={"overhead_ms": 1.0}), path)
    with pytest.raises(RunError, match=r"the profile .*line7.json has changed since .*run was begun"):
        run_search(recipe, run, console=Console())
    write_profile(nano, path)
    result = run_search(recipe, run, console=Console())
    assert result["device"] == device_record(recipe.limits)
    assert result["latency_ms"] > 0
