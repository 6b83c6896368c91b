"""A small detector that finds bright pixels, and a data set that it can judge: no training is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from export.trained import Trained
from inspector.dataset import open_dataset, split_good
from search.nets.detector import Detector
from search.nets.spec import NetworkSpec
from tests.tiny_bundle import BRIGHT, GAIN, SIZE_HW, write_tiny_dataset


class Copy(nn.Module):
    """A reconstructor that has a convolution and a batch normalisation, and changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)
        with torch.no_grad():
            self.conv.weight.copy_(2 * torch.eye(3).reshape(3, 3, 1, 1))
            self.conv.bias.fill_(0.5)  # type: ignore[union-attr]
            self.norm.running_mean.fill_(0.5)  # type: ignore[union-attr]
            self.norm.running_var.fill_(4.0 - self.norm.eps)  # type: ignore[union-attr]

    def forward(self, image: Tensor) -> Tensor:
        copied: Tensor = self.norm(self.conv(image))
        return copied


class BrightPixels(nn.Module):
    """reconstruction + image (B, 6, H, W) -> logits that are high where the image is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(6, 1, 1)
        with torch.no_grad():
            self.head.weight.fill_(GAIN / 6)
            self.head.bias.fill_(-GAIN * BRIGHT)  # type: ignore[union-attr]

    def forward(self, both: Tensor) -> Tensor:
        logits: Tensor = self.head(both)
        return logits


@pytest.fixture
def detector() -> Detector:
    return Detector(Copy(), BrightPixels()).eval()


@pytest.fixture
def trained(detector: Detector, tmp_path: Path) -> Trained:
    return trained_on(write_tiny_dataset(tmp_path / "parts", num_good=20), detector)


def trained_on(root: Path, detector: Detector) -> Trained:
    dataset = open_dataset(root)
    return Trained(
        name="bright parts",
        detector=detector,
        spec=NetworkSpec(family="unet", genes=(0, 1, 2) * 6, width=4, reconstructor_width=4),
        space="unet",
        size_hw=SIZE_HW,
        recipe={"limits": {"max_params_m": 1.0}, "data": {"validation": 0.2, "calibration": 0.2}},
        seed=3,
        dataset=dataset,
        calibration=split_good(dataset.train, calibration=0.2, seed=3).calibration,
        fingerprint=dataset.fingerprint(),
        code_version="0.1.0",
    )


@pytest.fixture
def without_defects(trained: Trained) -> Trained:
    """All good images are calibration, so that none of them is above the thresholds."""
    good = trained.dataset.train
    return replace(trained, dataset=replace(trained.dataset, test=()), calibration=good[:18])
