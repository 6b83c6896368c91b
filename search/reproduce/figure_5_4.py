"""Figure 5.4: AUPR against the size of the network.

Source: [D] Fig. 5.4. The copy of [D] shows none of its points: the AUPR of each method is that of Table 5.1,
its size is not readable but for the caption's "4x smaller than DRAEM".
Differs from the source: rows that a table-5.1 run of the same options has finished, in a folder `table-5.1`
beside this run's, are taken from there.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from inspector.console import Console
from search.report.figure import BLUE, INK, MUTED
from search.reproduce.canvas import canvas
from search.reproduce.experiment import NOT_READABLE, Options, Row, Value
from search.reproduce.table import Table
from search.reproduce.table_5_1 import Table51


class Figure54(Table51):
    name: ClassVar[str] = "figure-5.4"
    title: ClassVar[str] = "AUPR against the number of parameters"
    source: ClassVar[str] = "[D] Fig. 5.4"

    def rows(self, options: Options) -> list[Row]:
        return [
            Row(row.key, row.labels, {**row.published, "params_m": NOT_READABLE}, row.runs, row.note)
            for row in super().rows(options)
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        finished = _finished_in_table(folder, row, seed)
        if finished is not None:
            return finished
        return super().measure(row, seed, folder=folder, options=options, console=console)

    def plot(self, table: Table, path: Path) -> None:
        aupr, params = table.figures[0], table.figures[2]
        points = [
            (row, statistics.fmean(table.numbers(row, params)), table.numbers(row, aupr))
            for row in table.rows
            if table.numbers(row, aupr)
        ]
        if not points:
            return
        with canvas(path, height_in=4.5) as axes:
            axes.set_xscale("log")
            for row, size, values in points:
                axes.plot([size] * len(values), values, "o", color=BLUE, alpha=0.4)
                axes.plot(size, statistics.fmean(values), "o", color=INK)
                axes.annotate(
                    " · ".join(row.labels.values()),
                    (size, statistics.fmean(values)),
                    xytext=(6, 4),
                    textcoords="offset points",
                    color=MUTED,
                )
            axes.margins(x=0.25, y=0.12)
            axes.set_xlabel("parameters, millions")
            axes.set_ylabel("AUPR, %")
            axes.grid(visible=True)


def _finished_in_table(folder: Path, row: Row, seed: int) -> Mapping[str, Value] | None:
    """Return the figures of a row that a run of table-5.1 with the same options has finished, else None."""
    own = folder.parent.parent
    table = own.parent / Table51.name
    file = table / "rows" / f"{row.key}-{seed}.json"
    if not file.exists() or _options_of(table) != _options_of(own):
        return None
    figures: dict[str, Value] = json.loads(file.read_text())["figures"]
    return figures


def _options_of(run: Path) -> dict[str, object]:
    options: dict[str, object] = json.loads((run / "options.json").read_text())
    return {name: value for name, value in options.items() if name != "experiment"}
