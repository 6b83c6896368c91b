"""Trains the network that a search found from scratch and measures its test error.

Source: [D] Sec. 3.3.1.
Differs from the source: a tenth of the training images is held back and chooses the epoch that is tested; [D]
does not say how the epoch is chosen. The learning rate falls to 0, not to 0.001.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric

from search.losses.robust import CrossEntropy
from search.nasb.cifar10 import NUM_CLASSES, TrainAndTest
from search.nasb.memory_errors import memory_errors_named
from search.nets.cell.compact import CHANNELS, DROP_PATH, NUM_CELLS, CompactNet
from search.nets.cell.genotype import Genotype
from search.streams import Purpose, stream
from search.training.classify import ClassifyPlan, Epoch, accuracy, train_classifier
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation, split_off

VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class CompactPlan:
    """How large the compact network is and how it learns; the defaults are [D] Sec. 3.3.1.

    Args:
        num_images: Training images at most; None: all.
        seed: [D] trains every genotype with seed 0, whatever the search's.
    """

    num_cells: int = NUM_CELLS
    channels: int = CHANNELS
    num_epochs: int = 600
    batch_size: int = 96
    drop_path: float = DROP_PATH
    cutout_px: int = 16
    num_images: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class CompactResult:
    """A trained compact network; the auxiliary head, which is not used after training, is not counted."""

    test_error_percent: float
    params: int


def train_compact(
    genotype: Genotype,
    data: TrainAndTest,
    plan: CompactPlan,
    *,
    fabric: Fabric,
    checkpoint: Path,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> CompactResult:
    """Train to the end from wherever `checkpoint` left it, then test.

    Raises:
        TrainingError: the loss is not a number, or the memory does not suffice.
        RunError: the checkpoint is of a training of another length, or damaged.
    """
    rng = stream(Purpose.ORDER, seed=plan.seed, number=0, second=2)
    rest, held = split_off(len(data.train), share=VALIDATION_SHARE, rng=rng)
    rest = rng.permutation(rest)[: plan.num_images]
    mean, deviation = normalisation(data.train.images[rest])

    def feed(images: LabelledImages, *, varied: bool) -> ImageFeed:
        cutout_px = plan.cutout_px if varied else 0
        return ImageFeed(
            images, mean, deviation, plan.batch_size, seed=plan.seed, augment=varied, cutout_px=cutout_px
        )

    with memory_errors_named("training the compact network"):
        trained = train_classifier(
            _build(genotype, plan),
            feed(data.train.part(rest), varied=True),
            feed(data.train.part(held), varied=False),
            ClassifyPlan(plan.num_epochs, CrossEntropy(), drop_path=plan.drop_path, seed=plan.seed),
            fabric=fabric,
            checkpoint=checkpoint,
            on_epoch=on_epoch,
        )
        right = accuracy(trained.net, feed(data.test, varied=False).in_order(), fabric=fabric)
    return CompactResult(test_error_percent=100.0 * (1.0 - right), params=count_params(trained.net))


def count_params(net: torch.nn.Module) -> int:
    """Return the number of parameters without those of the auxiliary head."""
    named = net.named_parameters()
    return sum(parameter.numel() for name, parameter in named if not name.startswith("auxiliary."))


def _build(genotype: Genotype, plan: CompactPlan) -> CompactNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return CompactNet(genotype, num_cells=plan.num_cells, channels=plan.channels, num_classes=NUM_CLASSES)
