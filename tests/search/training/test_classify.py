"""The classifier's training: resumed is uninterrupted, the best epoch is what is returned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from inspector.errors import RunError, TrainingError
from search.losses.named import class_loss
from search.nets.resnet import SmallImageResNet18
from search.training.classify import ClassifyPlan, Trained, accuracy, cosine_rate, train_classifier
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation


class Toy(nn.Module):
    """A small convolution with dropout in the place of drop-path, and an auxiliary head."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2)
        self.norm = nn.BatchNorm2d(6)
        self.linear, self.auxiliary = nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, image: Tensor, drop_path: float = 0.0) -> tuple[Tensor, Tensor | None]:
        x = F.relu(self.norm(self.conv(image))).mean(dim=(2, 3))
        x = F.dropout(x, drop_path, self.training)
        return self.linear(x), self.auxiliary(x) if self.training else None


def toy() -> Toy:
    torch.manual_seed(3)
    return Toy()


def bright_and_dark(num: int, seed: int) -> LabelledImages:
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    pixels = rng.integers(0, 100, (num, 8, 8, 3)) + 100 * labels[:, None, None, None]
    return LabelledImages(pixels.astype(np.uint8), labels, 2)


def feeds() -> tuple[ImageFeed, ImageFeed]:
    train = bright_and_dark(24, 0)
    mean, deviation = normalisation(train.images)
    return (
        ImageFeed(train, mean, deviation, 8, augment=True),
        ImageFeed(bright_and_dark(12, 1), mean, deviation, 8),
    )


class KilledError(Exception):
    """Stands for a kill."""


def train(folder: Path, fabric: Fabric, *, kill_after: int = 0, **plan: float) -> Trained:
    def on_epoch(epoch: object) -> None:
        if kill_after and getattr(epoch, "number", 0) == kill_after:
            raise KilledError("killed")

    settings = ClassifyPlan(4, class_loss("rll"), drop_path=0.5, **plan)  # type: ignore[arg-type]
    return train_classifier(
        toy(), *feeds(), settings, fabric=fabric, checkpoint=folder / "fit.pt", on_epoch=on_epoch
    )


@pytest.mark.parametrize("kill_after", [1, 3])
def test_a_training_that_was_killed_ends_as_the_whole_one(
    kill_after: int, tmp_path: Path, fabric: Fabric
) -> None:
    whole = train(tmp_path / "whole", fabric)
    with pytest.raises(KilledError, match="killed"):
        train(tmp_path / "killed", fabric, kill_after=kill_after)
    torch.manual_seed(99)
    resumed = train(tmp_path / "killed", fabric)
    assert resumed.epochs == whole.epochs
    for one, other in zip(resumed.net.state_dict().values(), whole.net.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_it_learns_and_returns_the_epoch_that_validated_best(tmp_path: Path, fabric: Fabric) -> None:
    trained = train(tmp_path, fabric, learning_rate=0.2)
    assert trained.epochs[-1].risk < trained.epochs[0].risk
    assert trained.best.validation == max(epoch.validation for epoch in trained.epochs) > 0.9
    assert trained.best == next(e for e in trained.epochs if e.validation == trained.best.validation)
    assert accuracy(trained.net, feeds()[1].in_order(), fabric=fabric) == trained.best.validation


def test_torchs_own_random_numbers_are_left_alone(tmp_path: Path, fabric: Fabric) -> None:
    net = toy()
    before = torch.random.get_rng_state()
    plan = ClassifyPlan(1, class_loss("cce"), drop_path=0.5)
    train_classifier(net, *feeds(), plan, fabric=fabric, checkpoint=tmp_path / "fit.pt")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_length_is_refused(tmp_path: Path, fabric: Fabric) -> None:
    train(tmp_path, fabric)
    plan = ClassifyPlan(5, class_loss("rll"))
    with pytest.raises(RunError, match="belongs to a training of 4 epochs, not 5"):
        train_classifier(toy(), *feeds(), plan, fabric=fabric, checkpoint=tmp_path / "fit.pt")


def test_a_loss_that_is_no_number_stops(tmp_path: Path, fabric: Fabric) -> None:
    net = toy()
    nn.init.constant_(net.linear.bias, float("nan"))
    with pytest.raises(TrainingError, match=r"not a number in epoch 1 at learning rate 0\.025"):
        train_classifier(
            net, *feeds(), ClassifyPlan(1, class_loss("cce")), fabric=fabric, checkpoint=tmp_path / "fit.pt"
        )


@pytest.mark.parametrize(("epoch", "rate"), [(0, 0.1), (2, 0.05), (4, 0.0)])
def test_the_rate_falls_like_a_cosine(epoch: int, rate: float) -> None:
    assert cosine_rate(0.1, epoch, 4) == pytest.approx(rate)


def test_resnet_18_keeps_small_images_large() -> None:
    net = SmallImageResNet18(num_classes=7).eval()
    with torch.no_grad():
        logits, auxiliary = net(torch.zeros(2, 3, 32, 32))
        stem = net.net.layer1(net.net.maxpool(net.net.conv1(torch.zeros(1, 3, 32, 32))))
    assert logits.shape == (2, 7)
    assert auxiliary is None
    assert stem.shape == (1, 64, 32, 32)
    num = sum(parameter.numel() for parameter in SmallImageResNet18().parameters())
    assert num == 11_173_962  # ResNet-18 on CIFAR-10
