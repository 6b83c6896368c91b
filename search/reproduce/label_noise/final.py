"""The final training from scratch of found cells or ResNet-18, and their accuracy on clean test labels.

Source: [D] Sec. 2.4.1: the validation part, noisy or not, decides which epoch is tested.
Differs from the source: ResNet-18 learns with the rates of the cells' network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from inspector.console import Console
from search.losses.named import class_loss
from search.nets.cell.compact import CompactNet
from search.nets.cell.genotype import Genotype
from search.nets.resnet import SmallImageResNet18
from search.recipe import ComputeRecipe
from search.reproduce.label_noise.images import Parts
from search.reproduce.label_noise.scale import Scale
from search.training.classify import ClassifyPlan, accuracy, train_classifier
from search.training.device import make_fabric


@dataclass(frozen=True)
class FinalPlan:
    """What is trained, and how.

    Args:
        genotype: None: ResNet-18.
        loss: Name of the loss.
    """

    genotype: Genotype | None
    scale: Scale
    loss: str
    seed: int


def final_accuracy(
    plan: FinalPlan, parts: Parts, checkpoint: Path, *, fabric: Fabric, console: Console
) -> float:
    """Train and return the test accuracy in percent; a training that was killed goes on.

    Raises:
        TrainingError: the loss is not a number.
    """
    scale = plan.scale
    settings = ClassifyPlan(scale.epochs, class_loss(plan.loss), drop_path=scale.drop_path, seed=plan.seed)
    train, valid, test = (
        parts.feed(
            part,
            batch_size=scale.batch,
            seed=plan.seed,
            training=part is parts.train,
            cutout_px=scale.cutout_px,
        )
        for part in (parts.train, parts.valid, parts.test)
    )
    with console.progress(scale.epochs, f"final training, {plan.loss}") as advance:
        trained = train_classifier(
            _network(plan, parts.num_classes),
            train,
            valid,
            settings,
            fabric=fabric,
            checkpoint=checkpoint,
            on_epoch=lambda epoch: advance(1, note=f"risk {epoch.risk:.3f}"),
        )
    return 100.0 * accuracy(trained.net, test.in_order(), fabric=fabric)


def chapter_2_fabric(preset: str) -> Fabric:
    """Return the device; `paper` in the precision that suits it, the others in single precision."""
    return make_fabric(ComputeRecipe(precision="auto" if preset == "paper" else "fp32"))


def _network(plan: FinalPlan, num_classes: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed + 1)  # fresh weights: not those that a search began with
        if plan.genotype is None:
            return SmallImageResNet18(num_classes=num_classes)
        return CompactNet(
            plan.genotype,
            num_cells=plan.scale.cells,
            channels=plan.scale.channels,
            num_classes=num_classes,
            auxiliary=plan.scale.auxiliary,
        )
