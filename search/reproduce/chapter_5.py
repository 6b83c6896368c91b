"""What the tables of chapter 5 share: a method on a data set is one run of `inspector search`, which resumes.

Source: [D] Sec. 5.3.

A row's folder holds its run. A network that is searched is searched on the first data set and trained again
for the others; every network gets the same steps, batches and samples.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from inspector.console import Console
from inspector.errors import RunError
from search.autodd.run import run_search
from search.recipe import merge, parse_recipe
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value
from search.reproduce.photo_sets import MVTEC_CLASSES, PhotoSet, photo_sets, textures

AVERAGE = "average"
NO_LIMITS = {"max_params_m": None, "max_size_mb": None, "max_macs_g": None, "max_latency_ms": None}
WIDTHS = {"quick": 4, "cpu": 8, "paper": 64}
SCALES: dict[str, dict[str, Any]] = {
    "quick": {
        "data": {"size": 64},
        "network": {"retraining_start": "scratch"},
        "one_shot": {"steps": 150},
        "evolution": {"iterations": 2},
        "retraining": {"steps": 300},
    },
    "cpu": {"retraining": {"steps": 2000}},
    "paper": {},
}

Percent = tuple[str, str]  # AUPR and AUROC as [D] prints them


@dataclass(frozen=True)
class Method:
    """A row of a table on any data set.

    Args:
        published: Class of MVTec-AD or `average` -> what [D] prints.
        changes: Sections of the recipe, laid over the preset.
        reconstructor_share: Width of the reconstructor over the segmenter's.
        searches: It finds genes on the first data set, with which it is trained on the others.
        genes_of: The method whose genes it is trained with instead.
        supernet_of: The method whose supernet, trained alike, it takes.
    """

    key: str
    label: str
    published: Mapping[str, Percent]
    changes: Mapping[str, Any] = field(default_factory=dict)
    reconstructor_share: float = 1.0
    searches: bool = False
    genes_of: str = ""
    supernet_of: str = ""
    runs: bool = True
    note: str = ""


class Chapter5(Experiment):
    """A table of methods: AUPR and AUROC of pixels on real defects, and what the network costs."""

    methods: ClassVar[tuple[Method, ...]]
    column: ClassVar[str] = "method"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("aupr", "AUPR %", 2),
        Figure("auroc", "AUROC %", 2),
        Figure("params_m", "M parameters", 3),
        Figure("macs_g", "GMAC", 3),
        Figure("training_min", "training min", 1),
        Figure("search_min", "search min", 1),
    )

    def rows(self, options: Options) -> Sequence[Row]:
        sets = photo_sets(options)
        rows = [self._row(method, one.key, one.heading) for one in sets for method in self.methods]
        if len(sets) > 1:
            rows += [self._row(method, AVERAGE, AVERAGE) for method in self.methods]
        return rows

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        method, place = self._find(row.key)
        sets = photo_sets(options)
        if place == AVERAGE:
            return _average(method.key, sets, seed, folder)
        photos = next(one for one in sets if one.key == place)
        record = self.recipe(method, photos, seed, folder=folder, options=options)
        run = folder / "run"
        if method.supernet_of:
            _take_supernet(_row_folder(method.supernet_of, sets[0], seed, folder) / "run", run)
        return _figures(run_search(parse_recipe(record, source=row.key), run, console=console))

    def recipe(
        self, method: Method, photos: PhotoSet, seed: int, *, folder: Path, options: Options
    ) -> dict[str, Any]:
        """Return the recipe of one row as it would stand in a file.

        Raises:
            RunError: the genes that it is trained with have not been found yet.
        """
        width, found_textures = WIDTHS[options.preset], textures(options)
        record: dict[str, Any] = {
            "preset": options.preset,
            "seed": seed,
            "data": {"root": str(photos.root(folder.parent))},
            "network": {"width": width, "reconstructor_width": round(width * method.reconstructor_share)},
            "defects": {"textures": None if found_textures is None else str(found_textures)},
        }
        record = merge(merge(record, SCALES[options.preset]), dict(method.changes))
        first = photo_sets(options)[0]
        if method.genes_of or (method.searches and photos != first):
            finder = method.genes_of or method.key
            record = merge(record, _found(finder, _row_folder(finder, first, seed, folder) / "run"))
        return record

    def notes(self, options: Options) -> Sequence[str]:
        sizes = {
            "quick": "64x64 pixels, width 4, 300 steps of batch 4",
            "cpu": "128x128 pixels, width 8, 2000 steps of batch 4 (a supernet: 1500)",
            "paper": "256x256 pixels, width 64, 800 epochs of batch 8",
        }
        folder = textures(options)
        notes = [
            f"Every network: {sizes[options.preset]}, from scratch, with the same photos, synthetic defects, "
            "order and schedule.",
            f"Textures: {'procedural' if folder is None else folder.name}.",
        ]
        if options.preset != "paper":
            notes.append(
                "The published figures are averages over five classes of MVTec-AD at full size: another "
                "data set, printed for orientation only."
            )
        return notes

    def _row(self, method: Method, place: str, heading: str) -> Row:
        published = method.published.get(place if place in MVTEC_CLASSES else AVERAGE)
        return Row(
            key=f"{method.key}-{place}",
            labels={"data": heading, self.column: method.label},
            published={} if published is None else {"aupr": published[0], "auroc": published[1]},
            runs=method.runs,
            note=method.note,
        )

    def _find(self, row_key: str) -> tuple[Method, str]:
        for method in self.methods:
            if row_key.startswith(f"{method.key}-"):
                return method, row_key.removeprefix(f"{method.key}-")
        raise ValueError(f"{self.name} has no row {row_key}")


def _row_folder(method: str, photos: PhotoSet, seed: int, folder: Path) -> Path:
    """Return the folder of another row of the same table and seed."""
    return folder.parent / f"{method}-{photos.key}-{seed}"


def _found(method: str, run: Path) -> dict[str, Any]:
    """Return the sections of a recipe that say what a finished search found."""
    result = run / "result.json"
    if not result.exists():
        raise RunError(f"its genes are those of the row {method}, which is not finished; run that row first")
    found = json.loads(result.read_text())
    sections: dict[str, Any] = {"network": {"genes": found["network"]["genes"]}}
    if found["genes"]["space"] == "joint":
        styles = found["recipe"]["defects"]["joint_styles"]
        sections["defects"] = {"style": styles[int(found["genes"]["digits"][-1])]}
    return sections


def _take_supernet(source: Path, run: Path) -> None:
    """Begin a run with the supernet of another one, which was trained alike: the same to the last bit."""
    trained, own = source / "checkpoints" / "one_shot.pt", run / "checkpoints" / "one_shot.pt"
    if (source / "result.json").exists() and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        part = own.with_suffix(".part")
        shutil.copyfile(trained, part)
        part.replace(own)


def _figures(result: Mapping[str, Any]) -> dict[str, Value]:
    metrics, seconds = result["metrics"], result["seconds"]
    searching_s = sum(seconds.get(stage, 0.0) for stage in ("one_shot", "evolution", "cells"))
    return {
        "aupr": 100 * metrics["pixel_aupr"],
        "auroc": 100 * metrics["pixel_auroc"],
        "params_m": result["params"] / 1e6,
        "macs_g": result["macs_g"],
        "training_min": seconds["retraining"] / 60,
        "search_min": searching_s / 60,
        "pro": metrics["pro"],
        "image_auroc": metrics["image_auroc"],
        "space": result["genes"]["space"],
        "genes": result["genes"]["digits"],
    }


def _average(method: str, sets: Sequence[PhotoSet], seed: int, folder: Path) -> dict[str, Value]:
    files = [folder.parent.parent / "rows" / f"{method}-{one.key}-{seed}.json" for one in sets]
    missing = [file.stem for file in files if not file.exists()]
    if missing:
        raise RunError(f"the average needs the rows {', '.join(missing)}; the same command runs them")
    found = [json.loads(file.read_text())["figures"] for file in files]
    numbers = [key for key, value in found[0].items() if isinstance(value, int | float)]
    return {key: statistics.fmean(figures[key] for figures in found) for key in numbers}
