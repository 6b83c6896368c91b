"""Figure 2.1: does the training risk with noisy labels follow Theorem 1's line over the clean one?

Source: [D] Fig. 2.1, Table 2.2, Sec. 2.4.3.
Differs from the source: the copy of [D] shows no values of the figure. The cross entropy has no C, so that
there is no line for it: the one through the undecided network, which noise does not touch, is drawn in its
place, as RLL's own line goes through that point too. PCC does not depend on where a line lies.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from matplotlib.axes import Axes

from inspector.console import Console
from inspector.errors import InputError
from inspector.output_file import write_file
from search.report.figure import BLUE, MUTED, ORANGE
from search.reproduce.canvas import panels
from search.reproduce.experiment import NOT_READABLE, Experiment, Figure, Options, Row, Value
from search.reproduce.label_noise.risk_curves import (
    ETA,
    NETWORKS,
    CurvePlan,
    correlation,
    ideal_line,
    mean_gap,
    risk_curve,
)
from search.reproduce.label_noise.scale import SCALES
from search.reproduce.table import Table

LOSSES = {"cce": "CCE", "rll": "RLL"}


class Figure21(Experiment):
    name: ClassVar[str] = "figure-2.1"
    title: ClassVar[str] = "Figure 2.1: the empirical risk with clean and noisy labels"
    source: ClassVar[str] = "[D] Fig. 2.1"
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("pcc", "PCC with the ideal line", 3),
        Figure("gap", "mean distance from it, %", 1),
        Figure("clean", "last clean risk", 3),
        Figure("noisy", "last noisy risk", 3),
        Figure("ideal", "ideal noisy risk", 3),
    )
    needs_data: ClassVar[bool] = True

    def rows(self, options: Options) -> Sequence[Row]:
        return [
            Row(
                key=f"{network}-{loss}",
                labels={"network": network.upper(), "loss": label},
                published={"pcc": NOT_READABLE} if network == "a1" else {},
            )
            for network in NETWORKS
            for loss, label in LOSSES.items()
        ]

    def measure(
        self, row: Row, seed: int, *, folder: Path, options: Options, console: Console
    ) -> Mapping[str, Value]:
        if options.data is None:
            raise InputError("figure-2.1 needs real data: --data FOLDER")
        network, _, loss = row.key.partition("-")
        plan = CurvePlan(network, loss, options.data, options.preset, seed)
        curves = {
            labels: risk_curve(plan, folder / f"{labels}.pt", noisy=labels == "noisy", console=console)
            for labels in ("clean", "noisy")
        }
        line = ideal_line(loss, num_classes=10)
        curves["ideal"] = [line(risk) for risk in curves["clean"]]
        write_file(folder / "curves.json", json.dumps(curves).encode())
        return {
            "pcc": correlation(curves["noisy"], curves["ideal"]),
            "gap": 100.0 * mean_gap(curves["noisy"], curves["ideal"]),
            **{name: values[-1] for name, values in curves.items()},
        }

    def notes(self, options: Options) -> Sequence[str]:
        scale = SCALES[options.preset]
        return (
            f"Symmetric noise of {ETA} in the training labels. {scale.figure_cells} cells of "
            f"{scale.figure_channels} channels, {scale.figure_epochs} epochs of batch {scale.batch}, no "
            "auxiliary head. A risk is the mean loss of an epoch's batches.",
            "CCE is not symmetric: its ideal line is the one through the undecided network.",
        )

    def plot(self, table: Table, path: Path) -> None:
        """Draw the curves of the first network, a panel a loss, of the first seed that has been measured."""
        found = {
            loss: file
            for loss in LOSSES
            for seed in reversed(table.seeds)
            if (file := path.parent / "work" / f"a1-{loss}-{seed}" / "curves.json").exists()
        }
        if not found:
            return
        with panels(path, height_in=3.6, columns=len(found)) as all_axes:
            for axes, (loss, file) in zip(all_axes, found.items(), strict=True):
                _draw(axes, LOSSES[loss], json.loads(file.read_text()))


def _draw(axes: Axes, label: str, curves: Mapping[str, Sequence[float]]) -> None:
    epochs = range(1, len(curves["clean"]) + 1)
    axes.plot(epochs, curves["clean"], color=BLUE, label="A1 clean")
    axes.plot(epochs, curves["noisy"], color=ORANGE, label="A1 noisy")
    axes.plot(epochs, curves["ideal"], color=MUTED, linestyle="--", label="ideal noisy")
    found = correlation(curves["noisy"], curves["ideal"])
    axes.set_title(label if found is None else f"{label}: PCC {found:.3f}", fontsize=10)
    axes.set_xlabel("epoch")
    axes.set_ylabel("training risk")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.legend(frameon=False, fontsize=8)
