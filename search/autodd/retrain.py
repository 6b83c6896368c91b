"""The network that one run found, trained for another part without searching again.

Source: [D] Sec. 5.3.1: searched on capsule, retrained for the rest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspector.console import Console
from inspector.errors import InputError
from inspector.output_file import write_file
from search.autodd.comparison import Row, compare, saved_seconds
from search.autodd.fixed import found_recipe
from search.autodd.origin import Origin
from search.autodd.run import run_search
from search.recipe import Recipe
from search.run_folder import RunFolder, RunResult, load_result


@dataclass(frozen=True)
class Photos:
    """The other part: where its photos are, in which layout, and the seed of the training."""

    root: Path
    layout: str = "auto"
    seed: int | None = None


def retraining_recipe(found: RunResult, photos: Photos) -> Recipe:
    """Return the recipe that trains the network of `found` on other photos as that run trained it.

    It begins with fresh weights, whatever the run did: its supernet has learnt another part.
    """
    data = {"root": str(photos.root.resolve()), "layout": photos.layout}
    changes: dict[str, Any] = {"data": data, "network": {"retraining_start": "scratch"}}
    if photos.seed is not None:
        changes["seed"] = photos.seed
    return found_recipe(found, changes=changes)


def run_retrain(source: Path, photos: Photos, run: Path, *, console: Console) -> dict[str, Any]:
    """Train and measure the network of the run `source` on other photos; a killed run goes on.

    Raises:
        RunError: the source is not finished, or `run` was begun otherwise.
        DatasetError: the photos cannot be used.
    """
    found = load_result(source)
    record = {
        "verb": "retrain",
        "run": str(source.resolve()),
        "genes": found.genes,
        "fingerprint": found.data["fingerprint"],
    }
    recipe = retraining_recipe(found, photos)
    result = run_search(recipe, run, console=console, origin=Origin(record))
    if result["data"]["fingerprint"] == found.data["fingerprint"]:
        console.warn(f"{photos.root} holds the photos that {source} searched on: this is no other part")
    return result


def comparison_of(
    result: dict[str, Any], source: Path, run: Path, *, own: Path | None = None
) -> dict[str, Any]:
    """Compare a retrained network with a search on the same photos, and keep it as `run`/comparison.json.

    Args:
        own: The run of such a search. Without it only the time that it would take is estimated.

    Returns:
        `saved_s`, seconds or None, and with `own` its path and `rows`.

    Raises:
        RunError: `own` is not finished.
        InputError: `own` was trained on other photos.
    """
    saved_s = saved_seconds(_result(source), num_images=result["data"]["num_training"])
    comparison: dict[str, Any] = {"saved_s": saved_s}
    if own is not None:
        searched = _result(own)
        if searched["data"]["fingerprint"] != result["data"]["fingerprint"]:
            raise InputError(
                f"{own} was trained on other photos than {run}, so their figures cannot be compared; "
                f"search on {result['data']['root']}"
            )
        rows: list[Row] = compare(result, searched)
        comparison |= {"own": str(own.resolve()), "rows": [asdict(row) for row in rows]}
    write_file(run / "comparison.json", json.dumps(comparison, indent=1, allow_nan=False).encode())
    return comparison


def _result(run: Path) -> dict[str, Any]:
    load_result(run)  # says in one sentence what is wrong with it
    result: dict[str, Any] = json.loads(RunFolder(run).result.read_text())
    return result
