"""Writes the demo part as a folder of images in MVTec-AD layout.

Image i of section s has a generator of its own, seeded by (seed, s, i): asking for more images changes none
of those that were already there.
"""

import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from inspector.demo_part.scene import DEFECT_KINDS, render_defect, render_good
from inspector.errors import DatasetError, StorageError

TRAIN, TEST_GOOD, FIRST_DEFECT = 0, 1, 2


def write_demo_part(
    root: Path,
    *,
    seed: int,
    num_train: int = 120,
    num_test_good: int = 24,
    num_per_defect: int = 8,
    size_px: int = 256,
) -> None:
    """Draw train/good, test/good, test/<kind> and ground_truth/<kind> into the folder `root`.

    The folder appears complete or not at all.

    Raises:
        DatasetError: `root` is a file, or a folder that is not empty.
        StorageError: the images could not be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DatasetError(f"{root} is not an empty folder; name a new one for the demo part")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=str(root.parent)))
        try:
            _write_good(staging / "train" / "good", seed, TRAIN, num_train, size_px)
            _write_good(staging / "test" / "good", seed, TEST_GOOD, num_test_good, size_px)
            for section, kind in enumerate(DEFECT_KINDS, FIRST_DEFECT):
                _write_defects(staging, kind, seed, section, num_per_defect, size_px)
            staging.chmod(0o755)
            staging.replace(root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"cannot write the demo part to {root}: {error}") from error


def _write_good(folder: Path, seed: int, section: int, count: int, size_px: int) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        rng = np.random.default_rng((seed, section, index))
        _write_png(folder / f"{index:03d}.png", render_good(rng, size_px=size_px))


def _write_defects(root: Path, kind: str, seed: int, section: int, count: int, size_px: int) -> None:
    images, masks = root / "test" / kind, root / "ground_truth" / kind
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    for index in range(count):
        rng = np.random.default_rng((seed, section, index))
        frame, mask = render_defect(kind, rng, size_px=size_px)
        _write_png(images / f"{index:03d}.png", frame)
        _write_png(masks / f"{index:03d}_mask.png", mask * np.uint8(255))


def _write_png(path: Path, pixels: np.ndarray) -> None:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise OSError(f"OpenCV could not encode {path.name}")
    path.write_bytes(data.tobytes())
