"""A folder with a few images in the form of the small CIFAR-10, and sizes that a test can afford."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from search.reproduce.label_noise.scale import SCALES, Scale

TINY = replace(
    SCALES["quick"],
    limit=40,
    num_nodes=3,
    search_channels=2,
    search_batch=8,
    search_epochs=1,
    enas_epochs=1,
    controller_steps=1,
    candidates=2,
    channels=2,
    batch=8,
    epochs=1,
    figure_channels=2,
    figure_epochs=3,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """100 training and 20 test images, the classes told apart by brightness."""
    folder = tmp_path / "data" / "cifar10_small"
    folder.mkdir(parents=True)
    x_train, y_train = _images(100)
    x_test, y_test = _images(20)
    file = folder / "cifar10_6000.npz"
    np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return tmp_path / "data"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Scale:
    """The preset quick, smaller still."""
    monkeypatch.setitem(SCALES, "quick", TINY)
    return TINY


def _images(num: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(num) % 10
    rng = np.random.default_rng(num)
    pixels = rng.integers(0, 60, (num, 32, 32, 3)) + 18 * labels[:, None, None, None]
    return pixels.astype(np.uint8), labels.astype(np.uint8)
