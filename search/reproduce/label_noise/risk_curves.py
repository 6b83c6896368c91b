"""The training risk of a network, epoch by epoch, and how near it comes to the line of Theorem 1.

Source: [D] Sec. 2.4.3, Table 2.2.
Differs from the source: the copy of [D] does not show the two networks of Table 2.2; two are drawn at random,
as [D] drew its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from inspector.console import Console
from search.losses.named import class_loss
from search.losses.rank_consistency import NoisyRisk
from search.nets.cell.compact import CompactNet
from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype
from search.nets.cell.space import DARTS_OPERATIONS, inner_nodes
from search.reproduce.label_noise.final import chapter_2_fabric
from search.reproduce.label_noise.images import Noise, load_cifar10, make_parts
from search.reproduce.label_noise.scale import SCALES
from search.training.classify import ClassifyPlan, train_classifier

ETA = 0.6
NETWORKS = {"a1": 1, "a2": 2}  # each is drawn from a stream of its own, the same for all seeds
EDGES_PER_NODE = 2


@dataclass(frozen=True)
class CurvePlan:
    """Which network is trained with which loss, on which images."""

    network: str
    loss: str
    data: Path
    preset: str
    seed: int


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


def risk_curve(plan: CurvePlan, checkpoint: Path, *, noisy: bool, console: Console) -> list[float]:
    """Train one network and return its training risk, epoch by epoch; a training that was killed goes on.

    Args:
        noisy: The training labels are.

    Raises:
        DatasetError: the images are missing.
        TrainingError: the loss is not a number.
    """
    scale = SCALES[plan.preset]
    images = load_cifar10(plan.data, whole=plan.preset == "paper", limit=scale.limit)
    noise = Noise("symmetric", ETA)
    parts = make_parts(images, noise.only("train") if noisy else noise.only(), seed=plan.seed)
    train, valid = (
        parts.feed(part, batch_size=scale.batch, seed=plan.seed, training=part is parts.train)
        for part in (parts.train, parts.valid)
    )
    what = f"{plan.network.upper()}, {plan.loss}, {'noisy' if noisy else 'clean'} labels"
    with console.progress(scale.figure_epochs, what) as advance:
        trained = train_classifier(
            _network(plan),
            train,
            valid,
            ClassifyPlan(scale.figure_epochs, class_loss(plan.loss), seed=plan.seed),
            fabric=chapter_2_fabric(plan.preset),
            checkpoint=checkpoint,
            on_epoch=lambda epoch: advance(1, note=f"risk {epoch.risk:.3f}"),
        )
    return [epoch.risk for epoch in trained.epochs]


def _network(plan: CurvePlan) -> CompactNet:
    scale = SCALES[plan.preset]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return CompactNet(
            random_genotype(NETWORKS[plan.network], num_nodes=scale.num_nodes),
            num_cells=scale.figure_cells,
            channels=scale.figure_channels,
            auxiliary=False,
        )
