"""Another point of a search's archive, trained in a folder beside the run.

The run stays what it was: what was exported from it can be made again.

Source: none; [D] trains the winner alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspector.console import Console
from inspector.errors import InputError, RunError
from search.autodd.fixed import with_network
from search.autodd.origin import Origin
from search.autodd.pareto import read_archive
from search.autodd.run import run_search
from search.autodd.space_choice import open_space
from search.recipe import Recipe
from search.run_folder import RunFolder, load_result
from search.stages import one_shot_stages


def pick_folder(run: Path, number: int) -> Path:
    """Return where point `number` of the archive of `run` is trained.

    >>> pick_folder(Path("runs/tile"), 3).as_posix()
    'runs/tile-pick-3'
    """
    return run.parent / f"{run.resolve().name}-pick-{number}"


def run_pick(recipe: Recipe, run: Path, number: int, *, console: Console) -> dict[str, Any]:
    """Train and measure a point of the archive of a finished run; a killed one goes on.

    Raises:
        RunError: the run is not finished, was no search, or was begun with another recipe.
        InputError: the archive has no such point.
    """
    folder = RunFolder(run)
    load_result(run)
    folder.refuse_other_recipe(recipe)
    points = read_archive(folder.events)
    if not points:
        raise RunError(f"{run} trained a given network, so it has no archive to pick from")
    if not 1 <= number <= len(points):
        raise InputError(f"--pick is {number}, but the archive of {run} has the points 1 to {len(points)}")
    point = points[number - 1]
    origin = Origin(
        {"verb": "pick", "run": str(run.resolve()), **point.as_dict()},
        _supernet(recipe, folder, point.genes),
    )
    return run_search(
        with_network(recipe, point.genes), pick_folder(run, number), console=console, origin=origin
    )


def _supernet(recipe: Recipe, folder: RunFolder, digits: str) -> Path | None:
    """Return the checkpoint that retraining begins with: the run's own winner began with it too."""
    if recipe.network.retraining_start != "supernet":
        return None
    space = open_space(recipe)
    stages = one_shot_stages(recipe.defects.styles)
    return folder.checkpoint(stages[space.style(space.read(digits))])
