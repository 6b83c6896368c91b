"""What the tables of chapter 3 share: a row is a search on one supernet and the training of what it finds.

Source: [D] Sec. 3.3.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from search.nasb.cell_scale import CellScale
from search.nasb.cifar10 import TrainAndTest, load_all, load_small
from search.nasb.compact_training import CompactPlan
from search.nasb.methods import Method
from search.nasb.run import run_method
from search.recipe import ComputeRecipe
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value
from search.training.device import make_fabric

SCALES = {
    "quick": CellScale(
        channels=4,
        batch_size=8,
        num_epochs=1,
        search_images=48,
        checkpoint_steps=2,
        compact=CompactPlan(num_cells=8, channels=4, num_epochs=1, batch_size=32, num_images=128),
    ),
    "cpu": CellScale(
        channels=8,
        batch_size=25,
        num_epochs=3,
        search_images=500,
        checkpoint_steps=5,
        compact=CompactPlan(num_cells=8, channels=8, num_epochs=2, batch_size=96),
    ),
    "paper": CellScale(),
}


class CellTable(Experiment):
    """A table whose rows are searches: test error, size, time of the search, memory of its steps."""

    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("error", "Test error %", 2),
        Figure("params_m", "M parameters", 3),
        Figure("search_min", "Search min", 1),
        Figure("kept_mb", "Activations MB", 1),
    )
    needs_data: ClassVar[bool] = True

    def scale(self, options: Options) -> CellScale:
        """Return the sizes of the preset."""
        return SCALES[options.preset]

    def run_row(
        self,
        method: Method,
        scale: CellScale,
        seed: int,
        *,
        folder: Path,
        options: Options,
        console: Console,
    ) -> Mapping[str, Value]:
        """Search and train by one method; returns the figures of the row."""
        fabric = make_fabric(ComputeRecipe(precision="fp32"))
        found = run_method(
            method,
            load_images(options),
            scale,
            seed=seed,
            folder=folder,
            fabric=fabric,
            console=console,
        )
        return {
            "error": found.test_error_percent,
            "params_m": found.params / 1e6,
            "search_min": found.search_s / 60,
            "kept_mb": found.kept_mb,
            "genotype": found.genotype.text(),
        }

    def notes(self, options: Options) -> Sequence[str]:
        scale = self.scale(options)
        compact = scale.compact
        images = "all training images" if scale.search_images is None else f"{scale.search_images} images"
        notes = [
            f"Search: {images}, {scale.num_epochs} epochs, batch {scale.batch_size}, {scale.channels} "
            f"channels. Compact network: {compact.num_cells} cells, {compact.channels} channels, "
            f"{compact.num_epochs} epochs, batch {compact.batch_size}, always seed {compact.seed}.",
            "Activations: bytes that one architecture step keeps for its backward pass, each storage once; "
            "parameters and the batch do not count.",
        ]
        if options.preset != "paper":
            notes.append(
                "So small a run compares memory and time of the methods on one supernet. It does not rank "
                "their cells: after so few steps the architecture has hardly left its start, and test errors "
                "differ by less than other seeds do. The published errors are of CIFAR-10 at full length."
            )
        return notes


def load_images(options: Options) -> TrainAndTest:
    """Return CIFAR-10 for the preset `paper`, else the part of it that the data folder has.

    Raises:
        DatasetError: it is missing or damaged.
    """
    assert options.data is not None
    return load_all(options.data) if options.preset == "paper" else load_small(options.data)


def published_rows(rows: Sequence[tuple[str, Mapping[str, str], Mapping[str, str]]]) -> list[Row]:
    """Return rows of (key, labels, figures) that are printed as published and never run."""
    return [Row(key, labels, published, runs=False) for key, labels, published in rows]


def deeper(scale: CellScale, num_cells: int, *, different: bool) -> CellScale:
    """Return `scale` with another supernet and a compact network that has room for all its cells."""
    compact = replace(scale.compact, num_cells=20)
    return replace(scale, num_cells=num_cells, different=different, compact=compact)
