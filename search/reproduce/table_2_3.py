"""Table 2.3: the robust log loss in the search, under symmetric and hierarchical noise of three levels.

Source: [D] Table 2.3, Sec. 2.4.4. Noise is in training and validation labels; all final trainings by RLL.
Differs from the source: CIFAR-10 with the super-classes vehicle and animal stands beside CIFAR-100, whose
rows are not run where it is missing. Four more rows, at symmetric noise of 0.6, tell the two levels of the
search apart and add ENAS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from inspector.errors import InputError
from search.reproduce.experiment import Experiment, Figure, Options, Row, Value
from search.reproduce.label_noise.cells import CellSearchPlan, Searcher, search_cells
from search.reproduce.label_noise.final import FinalPlan, chapter_2_fabric, final_accuracy
from search.reproduce.label_noise.images import (
    Images,
    Kind,
    Noise,
    has_cifar100,
    load_cifar10,
    load_cifar100,
    make_parts,
)
from search.reproduce.label_noise.scale import SCALES
from search.reproduce.table_2_1 import small_data_note

ETAS = (0.2, 0.4, 0.6)
FINAL_LOSS = "rll"


@dataclass(frozen=True)
class Contender:
    """A network of the table: found with two losses, or fixed.

    Args:
        searcher: None: ResNet-18.
        architecture_loss, weights_loss: L1 and L2 of [D] Eq. 2.2.
    """

    label: str
    searcher: Searcher | None = None
    architecture_loss: str = "cce"
    weights_loss: str = "cce"


@dataclass(frozen=True)
class Setting:
    """Data and noise, three levels of which are three rows a contender."""

    data: str
    kind: Kind
    heading: str
    published: Mapping[str, tuple[str, str, str]]


CONTENDERS = {
    "resnet18": Contender("ResNet-18"),
    "darts": Contender("DARTS", "darts"),
    "darts_rll": Contender("DARTS-RLL", "darts", "rll", "rll"),
}
MORE_CONTENDERS = {
    "darts_rll_weights": Contender("DARTS, RLL for the weights alone", "darts", "cce", "rll"),
    "darts_rll_cells": Contender("DARTS, RLL for the architecture alone", "darts", "rll", "cce"),
    "enas": Contender("ENAS", "enas"),
    "enas_rll": Contender("ENAS, RLL for the weights", "enas", "cce", "rll"),
}
SETTINGS = {
    "symmetric": Setting(
        "cifar10",
        "symmetric",
        "symmetric (CIFAR-10)",
        {
            "resnet18": ("92.05 ± 0.40", "88.95 ± 0.14", "82.77 ± 0.61"),
            "darts": ("94.91 ± 0.19", "91.02 ± 0.78", "83.31 ± 2.88"),
            "darts_rll": ("94.66 ± 0.67", "90.77 ± 1.56", "86.24 ± 0.85"),
        },
    ),
    "hierarchical100": Setting(
        "cifar100",
        "hierarchical",
        "hierarchical (CIFAR-100)",
        {
            "resnet18": ("61.27 ± 0.60", "53.50 ± 0.94", "39.99 ± 2.17"),
            "darts": ("67.82 ± 0.70", "52.57 ± 1.03", "39.22 ± 2.50"),
            "darts_rll": ("66.47 ± 1.68", "53.68 ± 1.96", "46.41 ± 2.65"),
        },
    ),
    "hierarchical10": Setting(
        "cifar10", "hierarchical", "hierarchical (CIFAR-10: vehicle, animal; a stand-in)", {}
    ),
}


class Table23(Experiment):
    name: ClassVar[str] = "table-2.3"
    title: ClassVar[str] = "Table 2.3: the robust log loss in the search; test accuracy"
    source: ClassVar[str] = "[D] Table 2.3"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("accuracy", "accuracy %"),
        Figure("search_min", "search min", 1),
    )
    default_seeds: ClassVar[tuple[int, ...]] = (0, 1, 2)
    needs_data: ClassVar[bool] = True

    def rows(self, options: Options) -> Sequence[Row]:
        rows = [
            _row(setting, eta, contender, has_data=setting != "hierarchical100" or has_cifar100(options.data))
            for setting in SETTINGS
            for eta in ETAS
            for contender in CONTENDERS
        ]
        return [
            *rows,
            *(_row("symmetric", ETAS[-1], contender, has_data=True) for contender in MORE_CONTENDERS),
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        name, eta, contender_key = row.key.split("-")
        contender = {**CONTENDERS, **MORE_CONTENDERS}[contender_key]
        scale, fabric = SCALES[options.preset], chapter_2_fabric(options.preset)
        noise = Noise(SETTINGS[name].kind, float(eta))
        parts = make_parts(_images(SETTINGS[name].data, options), noise, seed=seed)
        found: dict[str, Value] = {}
        genotype = None
        if contender.searcher is not None:
            plan = CellSearchPlan(
                contender.searcher, scale, seed, contender.architecture_loss, contender.weights_loss
            )
            cells = search_cells(plan, parts, folder / "search", fabric=fabric, console=console)
            genotype = cells.genotype
            found |= {"search_min": cells.seconds / 60, "genotype": genotype.text()}
        final = FinalPlan(genotype, scale, FINAL_LOSS, seed)
        found["accuracy"] = final_accuracy(final, parts, folder / "final.pt", fabric=fabric, console=console)
        return found

    def notes(self, options: Options) -> Sequence[str]:
        return (
            SCALES[options.preset].sentence(),
            "Labels of training and validation are noisy, those of the test clean; every network is trained "
            "from scratch by RLL.",
            *small_data_note(options),
        )


def _row(setting: str, eta: float, contender: str, *, has_data: bool) -> Row:
    entry = SETTINGS[setting]
    printed = entry.published.get(contender)
    return Row(
        key=f"{setting}-{eta}-{contender}",
        labels={
            "noise": entry.heading,
            "eta": f"{eta}",
            "network": {**CONTENDERS, **MORE_CONTENDERS}[contender].label,
        },
        published={} if printed is None else {"accuracy": printed[ETAS.index(eta)]},
        runs=has_data,
        note="" if has_data or (eta, contender) != (ETAS[0], "resnet18") else "CIFAR-100 is not in --data",
    )


def _images(data: str, options: Options) -> Images:
    if options.data is None:
        raise InputError("table-2.3 needs real data: --data FOLDER")
    if data == "cifar100":
        return load_cifar100(options.data)
    limit = SCALES[options.preset].limit
    return load_cifar10(options.data, whole=options.preset == "paper", limit=limit)
