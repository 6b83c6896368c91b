"""`inspector reproduce methods`: AutoDD and NASB search the same space for the same time.

Source: [D] chapter 5 (AutoDD) and Sec. 3.2.3 (NASB), which [D] does not compare.

Both search the 18 nodes of the U-Net on the same photos, synthetic defects and limits; their networks are
trained alike and measured on real defects. A network drawn at random within the limits is the third row: a
search that does not beat it was not worth its time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from inspector.console import Console
from inspector.errors import RunError
from inspector.output_file import write_file
from search.autodd.data import open_run_data
from search.autodd.evolution import EvolutionPlan, random_generation
from search.autodd.run import run_search
from search.autodd.space_choice import open_space
from search.limits.limits import profile_of, violations
from search.nets.spec import digits_of
from search.recipe import Recipe, merge, parse_recipe
from search.reproduce.equal_time import AutoDDSearch, equal_steps, step_ratio
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value
from search.reproduce.photo_sets import PhotoSet, photo_sets, textures
from search.streams import Purpose, stream

AUTODD, NASB, RANDOM = "autodd", "nasb", "random"
LABELS = {AUTODD: "AutoDD: supernet, evolution", NASB: "NASB: binary gates", RANDOM: "random network"}
SCALES: dict[str, dict[str, Any]] = {
    "quick": {
        "data": {"size": 64},
        "network": {"width": 4, "reconstructor_width": 4},
        "one_shot": {"steps": 200},
        "evolution": {"iterations": 2},
        "retraining": {"steps": 400},
    },
    "cpu": {"one_shot": {"steps": 1000}, "retraining": {"steps": 2000}},
    "paper": {},
}


class Methods(Experiment):
    name: ClassVar[str] = "methods"
    title: ClassVar[str] = "AutoDD and NASB on the same space, for the same search time"
    source: ClassVar[str] = "none: [D] does not compare them"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("aupr", "AUPR %", 2),
        Figure("auroc", "AUROC %", 2),
        Figure("macs_g", "GMAC", 3),
        Figure("params_m", "M parameters", 3),
        Figure("search_min", "search min", 1),
        Figure("search_steps", "search steps", 0),
    )
    default_seeds: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def rows(self, options: Options) -> Sequence[Row]:
        heading = photos_of(options).heading
        return [Row(key, {"data": heading, "method": label}) for key, label in LABELS.items()]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        recipe = recipe_of(options, seed, beside=folder.parent)
        if row.key == NASB:
            recipe = _as_long_as(recipe, folder, folder.parent / f"{AUTODD}-{seed}" / "run")
        elif row.key == RANDOM:
            recipe = _changed(recipe, {"network": {"genes": _random_genes(recipe)}})
        return _figures(run_search(recipe, folder / "run", console=console), recipe)

    def notes(self, options: Options) -> Sequence[str]:
        return (
            "Same photos, synthetic defects, limits, space and retraining from fresh weights; AUPR and AUROC "
            "are of pixels, on real defects (drawn ones on the built-in part).",
            "NASB gets as many steps as take the time of AutoDD's whole search, by the ratio of their steps "
            "timed in turn; what both took on the clock is beside.",
        )


def photos_of(options: Options) -> PhotoSet:
    """Return the data set; `quick` takes real photos, too, where there are any."""
    real = options.preset == "quick" and options.data is not None
    return photo_sets(replace(options, preset="cpu") if real else options)[0]


def recipe_of(options: Options, seed: int, *, beside: Path) -> Recipe:
    """Return the recipe of AutoDD's row, which the others change."""
    found_textures = textures(options)
    record: dict[str, Any] = {
        "preset": options.preset,
        "seed": seed,
        "data": {"root": str(photos_of(options).root(beside))},
        "network": {"retraining_start": "scratch"},
        "defects": {"textures": None if found_textures is None else str(found_textures)},
    }
    return parse_recipe(merge(record, SCALES[options.preset]))


def _as_long_as(recipe: Recipe, folder: Path, autodd: Path) -> Recipe:
    """Return NASB's recipe, whose steps are decided once: a row that was killed goes on with them.

    Raises:
        RunError: AutoDD's row of the seed is not finished.
    """
    file = folder / "steps.json"
    if not file.exists():
        search = _finished(autodd)
        nasb = _changed(recipe, {"method": NASB})
        ratio = step_ratio(nasb, open_run_data(nasb), folder)
        steps = equal_steps(search, ratio=ratio, warm_up=recipe.nasb.warm_up, num_derived=recipe.nasb.derived)
        write_file(file, json.dumps({"steps": steps, "step_ratio": ratio}).encode())
    steps = json.loads(file.read_text())["steps"]
    return _changed(recipe, {"method": NASB, "one_shot": {"steps": steps, "epochs": None}})


def _finished(run: Path) -> AutoDDSearch:
    if not (run / "result.json").exists():
        raise RunError("NASB searches as long as AutoDD, whose row is not finished; run that row first")
    result = json.loads((run / "result.json").read_text())
    seconds, recipe = result["seconds"], parse_recipe(result["recipe"])
    return AutoDDSearch(
        num_steps=recipe.one_shot.num_steps(result["data"]["num_training"]),
        one_shot_s=seconds["one_shot"],
        evolution_s=seconds["evolution"],
        num_candidates=recipe.evolution.population * (recipe.evolution.iterations + 1),
    )


def _random_genes(recipe: Recipe) -> str:
    """Draw a network within the limits: the first one that a search would evaluate."""
    size_hw = (recipe.data.size, recipe.data.size)
    costs = open_space(recipe).costs(size_hw, profile=profile_of(recipe.limits))
    (genes,) = random_generation(
        (),
        costs.gene_space(),
        EvolutionPlan(1, 1, 0, 0, 0.0, recipe.evolution.max_tries),
        lambda candidate: not violations(costs.cost(candidate), recipe.limits),
        stream(Purpose.EVOLUTION, seed=recipe.seed, number=0),
    )
    return digits_of(genes)


def _changed(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    return parse_recipe(merge(recipe.model_dump(mode="json"), changes))


def _figures(result: Mapping[str, Any], recipe: Recipe) -> dict[str, Value]:
    metrics, seconds = result["metrics"], result["seconds"]
    is_searched = "one_shot" in seconds
    return {
        "aupr": 100 * metrics["pixel_aupr"],
        "auroc": 100 * metrics["pixel_auroc"],
        "macs_g": result["macs_g"],
        "params_m": result["params"] / 1e6,
        "search_min": (seconds["one_shot"] + seconds["evolution"]) / 60 if is_searched else 0.0,
        "search_steps": recipe.one_shot.num_steps(result["data"]["num_training"]) if is_searched else 0,
        "genes": result["genes"]["digits"],
        "pro": metrics["pro"],
        "image_auroc": metrics["image_auroc"],
    }
