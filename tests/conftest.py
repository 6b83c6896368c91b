"""Fixtures that several packages share: real data where there is some, small drawn data sets everywhere."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder that INSPECTOR_DATA names; tests that use it are marked `data`."""
    folder = os.environ.get("INSPECTOR_DATA")
    if not folder:
        pytest.skip("INSPECTOR_DATA is not set: real data is not tested")
    return Path(folder)


def draw_part(seed: int, shape_hw: tuple[int, int] = (60, 80)) -> np.ndarray:
    """A frame of blotches and grain that no other seed resembles."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(120, 25, (12, 16)).astype(np.float32)
    gray = cv2.resize(coarse, shape_hw[::-1], interpolation=cv2.INTER_CUBIC) + rng.normal(0, 4, shape_hw)
    return np.dstack([np.clip(gray, 0, 255).astype(np.uint8)] * 3)


def write_mvtec(root: Path, *, num_train: int = 12) -> Path:
    """Write MVTec-AD layout: good images to train on, two to test, three scratched ones with masks."""
    mask = np.zeros((60, 80), np.uint8)
    mask[10:20, 10:70] = 255
    for folder in ("train/good", "test/good", "test/scratch", "ground_truth/scratch"):
        (root / folder).mkdir(parents=True)
    for i in range(num_train):
        cv2.imwrite(str(root / f"train/good/{i:03}.png"), draw_part(i))
    for i in range(2):
        cv2.imwrite(str(root / f"test/good/{i:03}.png"), draw_part(100 + i))
    for i in range(3):
        cv2.imwrite(str(root / f"test/scratch/{i:03}.png"), draw_part(200 + i))
        cv2.imwrite(str(root / f"ground_truth/scratch/{i:03}_mask.png"), mask)
    return root


@pytest.fixture
def part() -> Callable[..., np.ndarray]:
    """`part(seed, shape_hw=...)` draws a frame."""
    return draw_part


@pytest.fixture
def mvtec(tmp_path: Path) -> Path:
    """A small, faultless data set in MVTec-AD layout."""
    return write_mvtec(tmp_path / "parts")
