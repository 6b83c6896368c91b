"""Table 2.1: what noisy labels in the search do to the accuracy of what it finds.

Source: [D] Table 2.1, Sec. 2.4.2.
Differs from the source: the copy of [D] prints each row of numbers twice, illegible in one copy or the other:
only a value on which both agree is given, the others are not readable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, get_args

from inspector.console import Console
from inspector.errors import InputError
from search.reproduce.experiment import NOT_READABLE, Experiment, Figure, Options, Row, Value
from search.reproduce.label_noise.cells import CellSearchPlan, Searcher, search_cells
from search.reproduce.label_noise.final import FinalPlan, chapter_2_fabric, final_accuracy
from search.reproduce.label_noise.images import Noise, load_cifar10, make_parts
from search.reproduce.label_noise.scale import SCALES

NOISE = Noise("symmetric", 0.6)
# Condition of the search -> its label, and the noise of its parts.
CONDITIONS = {
    "all_clean": ("all clean", NOISE.only()),
    "noisy_valid": ("noisy valid", NOISE.only("valid")),
    "noisy_train": ("noisy train", NOISE.only("train")),
    "all_noisy": ("all noisy", NOISE),
}
# Final training -> its heading, loss, and noise of its parts.
RETRAININGS = {
    "clean_cce": ("clean CCE retrain %", "cce", NOISE.only()),
    "noisy_cce": ("noisy CCE retrain %", "cce", NOISE),
    "noisy_rll": ("noisy RLL retrain %", "rll", NOISE),
}
LEGIBLE = {
    ("darts", "noisy_train", "noisy_rll"): "87.11",
    ("enas", "noisy_valid", "noisy_rll"): "80.07",
    ("enas", "all_noisy", "noisy_cce"): "80.34",
}
SEARCHERS: tuple[Searcher, ...] = get_args(Searcher)


class Table21(Experiment):
    name: ClassVar[str] = "table-2.1"
    title: ClassVar[str] = "Table 2.1: searches on CIFAR-10 with symmetric noise of 0.6; test accuracy"
    source: ClassVar[str] = "[D] Table 2.1"
    figures: ClassVar[tuple[Figure, ...]] = (
        *(Figure(key, heading) for key, (heading, _, _) in RETRAININGS.items()),
        Figure("search_min", "search min", 1),
    )
    needs_data: ClassVar[bool] = True

    def rows(self, options: Options) -> Sequence[Row]:
        return [
            Row(
                key=f"{searcher}-{condition}",
                labels={"searcher": searcher.upper(), "search with": label},
                published={key: LEGIBLE.get((searcher, condition, key), NOT_READABLE) for key in RETRAININGS},
            )
            for searcher in SEARCHERS
            for condition, (label, _) in CONDITIONS.items()
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        if options.data is None:
            raise InputError("table-2.1 needs real data: --data FOLDER")
        searcher, _, condition = row.key.partition("-")
        scale, fabric = SCALES[options.preset], chapter_2_fabric(options.preset)
        images = load_cifar10(options.data, whole=options.preset == "paper", limit=scale.limit)
        plan = CellSearchPlan("darts" if searcher == "darts" else "enas", scale, seed)
        parts = make_parts(images, CONDITIONS[condition][1], seed=seed)
        cells = search_cells(plan, parts, folder / "search", fabric=fabric, console=console)
        found: dict[str, Value] = {"search_min": cells.seconds / 60, "genotype": cells.genotype.text()}
        for key, (_, loss, noise) in RETRAININGS.items():
            found[key] = final_accuracy(
                FinalPlan(cells.genotype, scale, loss, seed),
                make_parts(images, noise, seed=seed),
                folder / f"{key}.pt",
                fabric=fabric,
                console=console,
            )
        return found

    def notes(self, options: Options) -> Sequence[str]:
        return (
            SCALES[options.preset].sentence(),
            "Searches learn by CCE, ENAS' controller by the 0-1 loss. Test labels are clean.",
            *small_data_note(options),
        )


def small_data_note(options: Options) -> tuple[str, ...]:
    """Return what the smaller presets have instead of CIFAR-10."""
    if options.preset == "paper":
        return ()
    limit = SCALES[options.preset].limit
    return (
        f"Data: {limit or '5,000'} training images of CIFAR-10 instead of 50,000; published figures are of "
        "another size and stand there for orientation only.",
    )
