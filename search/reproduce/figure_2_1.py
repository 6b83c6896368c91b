"""Figure 2.1: does the training risk with noisy labels follow Theorem 1's line over the clean one?

Source: [D] Fig. 2.1, Table 2.2, Sec. 2.4.3.
Differs from the source: the copy of [D] shows neither the two networks of Table 2.2 nor the figure's values;
two networks are drawn at random, as [D] drew its own. The cross entropy has no C, so that there is no line
for it: the one through the undecided network, which noise does not touch, is drawn in its place, as RLL's own
line goes through that point too. PCC does not depend on where a line lies.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from matplotlib.axes import Axes

from inspector.console import Console
from inspector.errors import InputError
from inspector.output_file import write_file
from search.losses.named import class_loss
from search.losses.rank_consistency import NoisyRisk
from search.nets.cell.compact import CompactNet
from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype
from search.nets.cell.space import DARTS_OPERATIONS, inner_nodes
from search.report.figure import BLUE, MUTED, ORANGE
from search.reproduce.canvas import panels
from search.reproduce.experiment import NOT_READABLE, Experiment, Figure, Options, Row, Value
from search.reproduce.label_noise.final import chapter_2_fabric
from search.reproduce.label_noise.images import Noise, load_cifar10, make_parts
from search.reproduce.label_noise.scale import SCALES, Scale
from search.reproduce.table import Table
from search.training.classify import ClassifyPlan, train_classifier

ETA = 0.6
NETWORKS = {"a1": 1, "a2": 2}  # each is drawn from a stream of its own, the same for all seeds
LOSSES = {"cce": "CCE", "rll": "RLL"}
EDGES_PER_NODE = 2


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
        network, _, loss = row.key.partition("-")
        curves = {
            labels: _risks(network, loss, labels, seed, folder=folder, options=options, console=console)
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
        with panels(path, height_in=3.6, columns=len(LOSSES)) as all_axes:
            for axes, (loss, label) in zip(all_axes, LOSSES.items(), strict=True):
                if loss in found:
                    _draw(axes, label, json.loads(found[loss].read_text()))


def ideal_line(loss: str, *, num_classes: int) -> NoisyRisk:
    """Return the line of Theorem 1; for a loss without C that which keeps an undecided network's risk."""
    constant = class_loss(loss).constant(num_classes)
    if constant is None:
        undecided = torch.full((1, num_classes), -math.log(num_classes), dtype=torch.float64)
        constant = num_classes * float(class_loss(loss).values(undecided, torch.zeros(1, dtype=torch.long)))
    return NoisyRisk(eta=ETA, num_classes=num_classes, constant=constant)


def correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Pearson's coefficient; None where a curve has fewer than two points or does not move."""
    if len(first) < 2 or np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def mean_gap(curve: Sequence[float], ideal: Sequence[float]) -> float:
    """Return the mean distance of a curve from the ideal one, over the mean of that."""
    return float(np.abs(np.subtract(curve, ideal)).mean() / np.mean(ideal))


def random_genotype(number: int, *, num_nodes: int) -> Genotype:
    """Draw cells as [D] Table 2.2 was drawn: operations and where skip connections come from, at random."""
    rng = np.random.default_rng((2, 2, number))
    names = [name for name in DARTS_OPERATIONS.normal if name != "none"]

    def cell() -> CellGenotype:
        return CellGenotype(
            tuple(
                tuple(
                    ChosenEdge(names[int(rng.integers(len(names)))], int(source))
                    for source in sorted(rng.permutation(node)[:EDGES_PER_NODE])
                )
                for node in inner_nodes(num_nodes)
            )
        )

    return Genotype((cell(),), (cell(),))


def _risks(
    network: str,
    loss: str,
    labels: str,
    seed: int,
    *,
    folder: Path,
    options: Options,
    console: Console,
) -> list[float]:
    """Train one network and return its training risk, epoch by epoch."""
    if options.data is None:
        raise InputError("figure-2.1 needs real data: --data FOLDER")
    scale = SCALES[options.preset]
    images = load_cifar10(options.data, whole=options.preset == "paper", limit=scale.limit)
    noise = Noise("symmetric", ETA)
    parts = make_parts(images, noise.only("train") if labels == "noisy" else noise.only(), seed=seed)
    train, valid = (
        parts.feed(part, batch_size=scale.batch, seed=seed, training=part is parts.train)
        for part in (parts.train, parts.valid)
    )
    plan = ClassifyPlan(scale.figure_epochs, class_loss(loss), seed=seed)
    with console.progress(scale.figure_epochs, f"{network.upper()}, {loss}, {labels} labels") as advance:
        trained = train_classifier(
            _network(network, scale, seed),
            train,
            valid,
            plan,
            fabric=chapter_2_fabric(options.preset),
            checkpoint=folder / f"{labels}.pt",
            on_epoch=lambda epoch: advance(1, note=f"risk {epoch.risk:.3f}"),
        )
    return [epoch.risk for epoch in trained.epochs]


def _network(network: str, scale: Scale, seed: int) -> CompactNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CompactNet(
            random_genotype(NETWORKS[network], num_nodes=scale.num_nodes),
            num_cells=scale.figure_cells,
            channels=scale.figure_channels,
            auxiliary=False,
        )


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
