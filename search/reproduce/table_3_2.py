"""Table 3.2: six search methods on one supernet, and what others report.

Source: [D] Table 3.2, Sec. 3.3.4.
Differs from the source: DARTS' first order has a row too, and activation memory a column; CMP is timed by
benchmarks/cmp, so its row carries the published numbers alone. [D]'s times are hours of a GTX 1080 Ti.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from search.nasb.methods import METHODS
from search.reproduce.cell_tables import CellTable, published_rows
from search.reproduce.experiment import Options, Row, Value

# Test error, M parameters, GPU hours; batch 60 for those that are run here.
PUBLISHED = {
    "darts-2": ("7.25 ± 4.20", "1.8 ± 0.6", "53.62 ± 5.06 h"),
    "snas": ("2.58 ± 0.08", "8.8 ± 0.5", "11.06 ± 0.2 h"),
    "nasp": ("2.76 ± 0.35", "5.5 ± 0.8", "6.44 ± 0.12 h"),
    "pc-darts": ("2.59 ± 0.05", "6.5 ± 0.9", "8.96 ± 0.08 h"),
    "nasb": ("2.64 ± 0.09", "5.4 ± 1.2", "3.92 ± 0.38 h"),
}
PUBLISHED_MB = {"nasp": "9587 (GPU)", "nasb": "2117 (GPU)"}
REPORTED = (
    ("densenet-bc", "DenseNet-BC", "–", ("3.46", "25.6", "–")),
    ("nasnet-a", "NASNet-A", "–", ("2.65", "3.3", "43200 h")),
    ("amoebanet-b", "AmoebaNet-B", "–", ("2.55 ± 0.05", "2.8", "75600 h")),
    ("enas", "ENAS", "–", ("2.89", "4.6", "12 h")),
    ("proxylessnas-g", "ProxylessNAS-G", "–", ("2.08", "5.7", "–")),
    ("naonet-ws", "NAONet-WS", "–", ("2.93", "2.5", "7.2 h")),
    ("alphax", "AlphaX", "–", ("2.06", "9.36", "360 h")),
    ("darts-2-own", "DARTS (2nd order), own space", "64", ("2.83 ± 0.06", "3.4", "96 h")),
    ("snas-own", "SNAS-moderate, own space", "64", ("2.85 ± 0.02", "2.8", "36 h")),
    ("nasp-own", "NASP, own paper", "64", ("2.44 ± 0.04", "7.4", "4.8 h")),
    ("pc-darts-own", "PC-DARTS, own space", "256", ("2.57 ± 0.07", "3.6", "2.4 h")),
    ("pc-darts-224", "PC-DARTS", "224", ("2.60 ± 0.17", "5.5 ± 1.2", "4.10 ± 0.03 h")),
    ("nasb-448", "NASB", "448", ("2.49 ± 0.07", "6.9 ± 1.5", "1.64 ± 0.06 h")),
    ("nasb-cmp-896", "NASB + CMP, 4 GPUs", "896", ("2.53 ± 0.06", "6.9 ± 0.7", "(1.48 ± 0.02) × 4 h")),
)
FIGURES = ("error", "params_m", "search_min")


class Table32(CellTable):
    """Each method runs alike; only its mixed operation and its relaxation differ."""

    name: ClassVar[str] = "table-3.2"
    title: ClassVar[str] = "Table 3.2: differentiable search on CIFAR-10"
    source: ClassVar[str] = "[D] Table 3.2"
    default_seeds: ClassVar[tuple[int, ...]] = (2, 3, 4)

    def rows(self, options: Options) -> list[Row]:
        batch = str(self.scale(options).batch_size)
        rows = [
            Row(key, {"Method": method.label, "Batch": batch}, _published(key))
            for key, method in METHODS.items()
        ]
        reported = [
            (key, {"Method": label, "Batch": batch}, dict(zip(FIGURES, figures, strict=True)))
            for key, label, batch, figures in REPORTED
        ]
        return [*rows, *published_rows(reported)]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        return self.run_row(
            METHODS[row.key],
            self.scale(options),
            seed,
            folder=folder,
            options=options,
            console=console,
        )


def _published(key: str) -> dict[str, str]:
    figures = dict(zip(FIGURES, PUBLISHED[key], strict=True)) if key in PUBLISHED else {}
    return figures | ({"kept_mb": PUBLISHED_MB[key]} if key in PUBLISHED_MB else {})
