"""Small labelled folders, drawn and not photographed: stripes of three directions, and parts with spots."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

Frame = npt.NDArray[np.uint8]
ANGLES = {"across": 0.0, "along": 90.0, "slanted": 45.0}


def draw_stripes(kind: str, seed: int, *, side_px: int = 48) -> Frame:
    """Draw a frame of stripes in the direction of its class, with grain."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side_px, :side_px]
    angle = np.deg2rad(ANGLES[kind] + rng.normal(0, 5))
    wave = np.sin(
        (rows * np.cos(angle) + columns * np.sin(angle)) * rng.uniform(0.7, 0.9) + rng.uniform(0, 6)
    )
    gray = 120 + 40 * wave + rng.normal(0, 8, wave.shape)
    return np.dstack([np.clip(gray, 0, 255).astype(np.uint8)] * 3)


def write_classes(root: Path, *, num: int = 12) -> Path:
    """Write `num` photos of each class into a folder of its own."""
    for number, kind in enumerate(ANGLES):
        (root / kind).mkdir(parents=True)
        for i in range(num):
            cv2.imwrite(str(root / kind / f"{kind}_{i:02}.png"), draw_stripes(kind, 100 * number + i))
    return root


def draw_surface(seed: int, *, spot: bool = False) -> Frame:
    """Draw a brushed surface, with a dark spot or without."""
    rng = np.random.default_rng(seed)
    lines = rng.normal(0, 6, (1, 96)).repeat(96, axis=0) + rng.normal(0, 3, (96, 96))
    gray = np.clip(120 + lines, 0, 255).astype(np.uint8)
    if spot:
        cv2.circle(gray, (int(rng.integers(30, 66)), int(rng.integers(30, 66))), 6, 40, -1)
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.8), np.uint8)
    return np.dstack([gray] * 3)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Three classes of 12 photos, all labels right."""
    return write_classes(tmp_path / "steel")


@pytest.fixture
def mislabelled(classes: Path) -> tuple[Path, set[str]]:
    """The same with three photos in a wrong folder; their names."""
    wrong = set()
    for kind, other, i in (("across", "along", 3), ("along", "slanted", 5), ("slanted", "across", 7)):
        name = f"{kind}_{i:02}.png"
        shutil.move(str(classes / kind / name), str(classes / other / name))
        wrong.add(f"{other}/{name}")
    return classes, wrong


@pytest.fixture
def good_parts(tmp_path: Path) -> Path:
    """A plain folder of 30 photos of good parts, two of which, 07 and 19, show a spot."""
    root = tmp_path / "surfaces"
    root.mkdir()
    for i in range(30):
        cv2.imwrite(str(root / f"{i:02}.png"), draw_surface(i, spot=i in (7, 19)))
    return root


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """`snapshot(root)` is every file with its content: what must not change."""
    return lambda root: {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
