"""Figure 3.3: NASB's search on one to four devices by each parallelism: its time, and the error of its cells.

Source: [D] Fig. 3.3, Sec. 3.3.3, 3.3.1 (batch sizes).
Differs from the source: the copy of [D] does not show the figure's values; those of CMP on four GPUs are
Table 3.2's. All parallelisms take Algorithm 1's step, and partitions are balanced by measured times. CMP x
data parallelism, which [D] names as future work, is a row too. Outside the preset `paper` devices are threads
or processes of the CPU, and the batch is the same for all, so that times can be compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from inspector.console import Console
from search.cmp.parallel_plan import Kind, ParallelPlan
from search.cmp.search import search_cells
from search.nasb.cell_scale import CellScale, make_feeds
from search.nasb.compact_training import train_compact
from search.nets.cell.genotype import parse_genotype
from search.recipe import ComputeRecipe
from search.report.figure import BLUE, GREEN, ORANGE, PURPLE, VERMILION
from search.reproduce.canvas import panels
from search.reproduce.cell_tables import CellTable, load_images
from search.reproduce.experiment import NOT_READABLE, Figure, Options, Row, Value
from search.reproduce.table import Table
from search.training.device import make_fabric

LABELS: dict[Kind, str] = {
    "mp": "MP",
    "cmp": "CMP",
    "gpipe": "GPipe",
    "dp": "Data parallel",
    "cmp-dp": "CMP × data parallel",
}
COLOURS = {"MP": BLUE, "CMP": VERMILION, "GPipe": ORANGE, "Data parallel": GREEN, LABELS["cmp-dp"]: PURPLE}
MARKERS = {"MP": "o", "CMP": "s", "GPipe": "^", "Data parallel": "D", LABELS["cmp-dp"]: "v"}
BATCHES = {1: 224, 2: 416, 3: 512, 4: 896}  # by the number of GPUs
PARALLELISM, DEVICES, BATCH = "Parallelism", "Devices", "Batch"
ONE_DEVICE = "one device"
ERROR, SEARCH_MIN = Figure("error", "Test error %", 2), Figure("search_min", "Search min", 1)
STEP_S = Figure("step_s", "Step s", 3)


@dataclass(frozen=True)
class _Cell:
    """What one row runs."""

    kind: Kind
    num_devices: int

    @property
    def key(self) -> str:
        return "one" if self.num_devices == 1 else f"{self.kind}-{self.num_devices}"


class Figure33(CellTable):
    """One device once, since there all are the same; then every parallelism for every number of devices."""

    name: ClassVar[str] = "figure-3.3"
    title: ClassVar[str] = "Figure 3.3: parallelisms of NASB's search"
    source: ClassVar[str] = "[D] Fig. 3.3"
    figures: ClassVar[tuple[Figure, ...]] = (SEARCH_MIN, ERROR, STEP_S)
    default_seeds: ClassVar[tuple[int, ...]] = (2,)

    def rows(self, options: Options) -> list[Row]:
        return [
            Row(
                key=cell.key,
                labels={
                    PARALLELISM: ONE_DEVICE if cell.num_devices == 1 else LABELS[cell.kind],
                    DEVICES: str(cell.num_devices),
                    BATCH: str(self._scale_of(cell, options).batch_size),
                },
                published=_published(cell),
            )
            for cell in _cells(options)
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        cell = next(cell for cell in _cells(options) if cell.key == row.key)
        scale, data = self._scale_of(cell, options), load_images(options)
        plan = ParallelPlan(
            kind=cell.kind,
            devices=_devices(cell.num_devices, options),
            scale=scale,
            seed=seed,
            num_copies=2 if cell.kind == "cmp-dp" else 1,
        )
        # Parallelisms that have as many partitions have the same ones.
        cut = folder.parent / f"cut-{plan.num_partitions}-of-{cell.num_devices}-{seed}.json"
        found = search_cells(
            plan, make_feeds(plan.method, data.train, scale, seed=seed), folder=folder, cut=cut
        )
        compact = train_compact(
            parse_genotype(found.genotype),
            data,
            scale.compact,
            fabric=make_fabric(ComputeRecipe(precision="fp32")),
            checkpoint=folder / "compact.pt",
        )
        return {
            ERROR.key: compact.test_error_percent,
            SEARCH_MIN.key: found.seconds / 60,
            STEP_S.key: found.seconds / found.num_steps,
            "genotype": found.genotype,
        }

    def notes(self, options: Options) -> Sequence[str]:
        notes = [*super().notes(options)[:1], "GPipe runs with one chunk a batch, as in [D]."]
        if options.preset != "paper":
            notes.append(
                "Devices are threads (MP, CMP) or processes (others) of the CPU, with one thread each: times "
                "of more of them than the machine has cores show nothing, nor do errors after so few steps."
            )
        return notes

    def plot(self, table: Table, path: Path) -> None:
        """Draw time and error over the number of devices, a line a parallelism, as [D] does."""
        if not any(table.numbers(row, SEARCH_MIN) for row in table.rows):
            return
        with panels(path, height_in=3.8, columns=2) as drawn:
            for axes, figure in zip(drawn, (SEARCH_MIN, ERROR), strict=True):
                for label in COLOURS:
                    _draw(axes, table, label, figure)
                axes.set_xlabel("devices")
                axes.set_ylabel(figure.heading)
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
                axes.grid(axis="y")
            drawn[0].set_ylim(bottom=0)
            drawn[0].legend(frameon=False, fontsize=8)

    def _scale_of(self, cell: _Cell, options: Options) -> CellScale:
        scale = self.scale(options)
        if options.preset != "paper":
            return scale
        return replace(scale, batch_size=BATCHES[cell.num_devices])


def _cells(options: Options) -> list[_Cell]:
    counts = (2, 3, 4) if options.preset == "paper" else (2,)
    kinds: tuple[Kind, ...] = ("mp", "cmp", "gpipe", "dp")
    several = [_Cell(kind, count) for count in counts for kind in kinds]
    return [_Cell("mp", 1), *several, _Cell("cmp-dp", 4)]


def _devices(count: int, options: Options) -> tuple[str, ...]:
    if options.preset == "paper":
        return tuple(f"cuda:{number}" for number in range(count))
    return ("cpu",) * count


def _published(cell: _Cell) -> dict[str, str]:
    if cell == _Cell("cmp", 4):
        return {ERROR.key: "2.53 ± 0.06", SEARCH_MIN.key: "1.48 ± 0.02 h"}
    if cell.kind == "cmp-dp":
        return {}
    return {ERROR.key: NOT_READABLE, SEARCH_MIN.key: NOT_READABLE}


def _draw(axes: Axes, table: Table, label: str, figure: Figure) -> None:
    """Draw a parallelism from the one device where all begin; CMP x data parallelism has a single point."""
    begins = () if label == LABELS["cmp-dp"] else (ONE_DEVICE,)
    places, means = [], []
    for row in table.rows:
        values = table.numbers(row, figure)
        if row.labels[PARALLELISM] in (label, *begins) and values:
            places.append(int(row.labels[DEVICES]))
            means.append(statistics.fmean(values))
            axes.plot(places[-1:] * len(values), values, MARKERS[label], color=COLOURS[label], alpha=0.35)
    if places:
        axes.plot(places, means, "-" + MARKERS[label], color=COLOURS[label], label=label)
