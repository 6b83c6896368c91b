"""Table 3.3: NASB with deeper supernets, and with a different structure in each cell.

Source: [D] Table 3.3, Sec. 3.3.5.
Differs from the source: parameters, time and activation memory are columns too; CMP is timed by
benchmarks/cmp, so its rows carry the published numbers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from search.nasb.cell_scale import CellScale
from search.nasb.methods import METHODS
from search.reproduce.cell_tables import CellTable, deeper, published_rows
from search.reproduce.experiment import Options, Row, Value

PAPER_BATCH = 160  # [D] Sec. 3.3.1, for this experiment
# (different, cells of the supernet) -> test error of NASB, of NASB with CMP
PUBLISHED = {
    (False, 8): ("2.59", "2.58"),
    (False, 20): ("2.78", "2.78"),
    (True, 8): ("2.52", "2.76"),
    (True, 20): ("2.82", "2.68"),
}


class Table33(CellTable):
    """Two depths, one structure or many; every compact network has 20 cells."""

    name: ClassVar[str] = "table-3.3"
    title: ClassVar[str] = "Table 3.3: supernets of NASB"
    source: ClassVar[str] = "[D] Table 3.3"
    default_seeds: ClassVar[tuple[int, ...]] = (2, 3)

    def scale(self, options: Options) -> CellScale:
        scale = deeper(super().scale(options), 8, different=False)
        return replace(scale, batch_size=PAPER_BATCH) if options.preset == "paper" else scale

    def rows(self, options: Options) -> list[Row]:
        rows = [
            Row(_key(case), _labels(case, "NASB"), {"error": nasb}) for case, (nasb, _) in PUBLISHED.items()
        ]
        reported = [
            (f"cmp-{_key(case)}", _labels(case, "NASB-CMP"), {"error": cmp})
            for case, (_, cmp) in PUBLISHED.items()
        ]
        return [*rows, *published_rows(reported)]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        different, num_cells = next(case for case in PUBLISHED if _key(case) == row.key)
        return self.run_row(
            METHODS["nasb"],
            deeper(self.scale(options), num_cells, different=different),
            seed,
            folder=folder,
            options=options,
            console=console,
        )


def _key(case: tuple[bool, int]) -> str:
    different, num_cells = case
    return f"{'different' if different else 'same'}-{num_cells}"


def _labels(case: tuple[bool, int], method: str) -> dict[str, str]:
    different, num_cells = case
    return {
        "Method": method,
        "Cells": "different" if different else "same",
        "Layers": str(num_cells),
    }
