"""`inspector reproduce styles`: does training on surface defects find more real ones than on Perlin blobs?

Source: [D] names unrealistic defects as a limitation and shows no such table.

One network, fixed (the all-`conv` U-Net), is trained from scratch on each data set with each style; network,
steps, textures, order of the photos and seed are the same, only what draws the defects differs. Then it is
measured on real defects (drawn ones, of another kind, on the built-in part).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from inspector.console import Console
from inspector.demo_part.dataset import write_demo_part
from inspector.errors import InputError
from search.autodd.run import run_search
from search.nets.spec import NUM_NODES
from search.recipe import parse_recipe
from search.reproduce.crack_crops import write_crack_crops
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value

BASELINE = "perlin"
STYLES = (BASELINE, "surface", "mixed")
PHOTOS_SEED = 0  # the photos of the built-in part stay the same for all seeds of the training


@dataclass(frozen=True)
class Source:
    """One data set: its heading, the folder below --data (none for the built-in part), and its layout."""

    heading: str
    folder: str
    layout: str


SOURCES = {
    "tile": Source("magnetic tile", "magnetic_tile", "magnetic_tile"),
    "crack": Source("CrackForest crops", "crackforest", "mvtec"),
    "part": Source("built-in part", "", "mvtec"),
}
# `quick` is what two shared cores train in a few minutes a row.
SIZES: dict[str, dict[str, Any]] = {
    "quick": {
        "data": {"size": 96},
        "network": {"width": 8, "reconstructor_width": 4},
        "retraining": {"steps": 600},
    },
    "cpu": {"data": {"size": 128}},
    "paper": {"data": {"size": 256}},
}


class Styles(Experiment):
    name: ClassVar[str] = "styles"
    title: ClassVar[str] = "Real defects found after training on each style of drawn defects"
    source: ClassVar[str] = "none: [D] names unrealistic defects as a limitation"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("aupr", "AUPR", 3),
        Figure("over_perlin", "AUPR over perlin's", 2),
        Figure("auroc", "AUROC", 3),
        Figure("image_auroc", "image AUROC", 3),
    )
    default_seeds: ClassVar[tuple[int, ...]] = (0, 1, 2)
    needs_data: ClassVar[bool] = True

    def rows(self, options: Options) -> Sequence[Row]:
        return [
            Row(f"{key}-{style}", {"data": source.heading, "style": style})
            for key, source in SOURCES.items()
            for style in STYLES
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        key, _, style = row.key.partition("-")
        root = _photos(key, options, folder.parent)
        recipe = parse_recipe(_record(style, seed, options, root=root, layout=SOURCES[key].layout))
        metrics = run_search(recipe, folder / "run", console=console)["metrics"]
        baseline = _aupr(folder.parent / f"{key}-{BASELINE}-{seed}" / "run" / "result.json")
        return {
            "aupr": metrics["pixel_aupr"],
            "over_perlin": None if baseline is None else metrics["pixel_aupr"] / baseline,
            "auroc": metrics["pixel_auroc"],
            "image_auroc": metrics["image_auroc"],
            "pro": metrics["pro"],
            **{f"aupr_{kind}": found["pixel_aupr"] for kind, found in metrics["per_defect"].items()},
        }

    def notes(self, options: Options) -> Sequence[str]:
        return (
            "one fixed network (all conv), trained from scratch with each style for the same steps; "
            "textures of perlin: DTD where the data has it",
            "CrackForest has no photo without a crack: 96x96 crops without one are the good images, "
            "split by photo",
        )


def _record(style: str, seed: int, options: Options, *, root: Path, layout: str) -> dict[str, Any]:
    """Return the recipe of one training as it would stand in a file."""
    size = SIZES[options.preset]
    defects: dict[str, Any] = {"style": style}
    if options.data is not None and (options.data / "dtd_256").is_dir():
        defects["textures"] = str(options.data / "dtd_256")
    return {
        "preset": options.preset,
        "seed": seed,
        "data": {"root": str(root), "layout": layout, **size["data"]},
        "network": {"genes": "0" * NUM_NODES, **size.get("network", {})},
        "defects": defects,
        "retraining": size.get("retraining", {}),
    }


def _photos(key: str, options: Options, beside: Path) -> Path:
    """Return the folder of a data set; crops and drawn parts are made once a run, beside its rows."""
    source = SOURCES[key]
    prepared = beside / f"photos-{key}"
    if key == "part":
        if not prepared.exists():
            write_demo_part(prepared, seed=PHOTOS_SEED)
        return prepared
    if options.data is None or not (options.data / source.folder).is_dir():
        raise InputError(f"the rows of {source.heading} need the folder {source.folder} below --data")
    if key == "crack":
        if not prepared.exists():
            write_crack_crops(options.data / source.folder, prepared)
        return prepared
    return options.data / source.folder


def _aupr(result: Path) -> float | None:
    return float(json.loads(result.read_text())["metrics"]["pixel_aupr"]) if result.exists() else None
