"""CrackForest as a data set for one-class training: crops without a crack are good, cracked ones are tested.

Source: CrackForest (Shi et al. 2016): photos of roads with crack masks; none is without a crack.

Every photo is cut into squares that do not overlap. A photo gives crops either to training or to the test,
never to both, and `groups.csv` keeps the crops of one photo together where training is split further.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inspector.dataset import read_frame, read_mask
from inspector.errors import DatasetError, StorageError
from inspector.groups import GROUPS_FILE

CROP_PX = 96
TEST_EVERY = 4  # every fourth photo is tested
CLEAR_PX = 6  # a good crop keeps this far from every crack: masks end a little early
MIN_CRACK = 0.005  # share of a crop; a corner of a crack that just reaches into a crop is left out

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Crop:
    """One square of a photo; `mask` is empty on a good one."""

    row: int
    column: int
    frame: Pixels
    mask: Pixels

    @property
    def is_good(self) -> bool:
        return not self.mask.any()


def write_crack_crops(source: Path, root: Path, *, crop_px: int = CROP_PX) -> None:
    """Write the crops of `source` (image/, mask_png/) in MVTec layout to `root`, complete or not at all.

    Raises:
        DatasetError: `source` is not CrackForest, or `root` exists.
        StorageError: the crops could not be written.
    """
    photos = sorted((source / "image").glob("*.jpg"))
    if not photos:
        raise DatasetError(f"{source} holds no image/*.jpg; name the folder of CrackForest")
    if root.exists():
        raise DatasetError(f"{root} exists already; remove it or name another folder for the crops")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
        try:
            _write_all(photos, source / "mask_png", staging, crop_px)
            staging.chmod(0o755)
            staging.replace(root)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise StorageError(f"cannot write the crops to {root}: {error}") from error


def cut(frame: Pixels, mask: Pixels, *, crop_px: int) -> Iterator[Crop]:
    """Yield the squares of a photo that are clearly good, or clearly cracked."""
    near = cv2.dilate(mask, np.ones((2 * CLEAR_PX + 1, 2 * CLEAR_PX + 1), np.uint8))
    for row in range(frame.shape[0] // crop_px):
        for column in range(frame.shape[1] // crop_px):
            place = np.s_[row * crop_px : (row + 1) * crop_px, column * crop_px : (column + 1) * crop_px]
            crop = Crop(row, column, frame[place], mask[place])
            if not near[place].any() or crop.mask.mean() >= MIN_CRACK:
                yield crop


def _write_all(photos: list[Path], masks: Path, root: Path, crop_px: int) -> None:
    groups = ["file,group"]
    for folder in ("train/good", "test/good", "test/crack", "ground_truth/crack"):
        (root / folder).mkdir(parents=True)
    for index, photo in enumerate(photos):
        frame = read_frame(photo)
        mask = read_mask(masks / f"{photo.stem}.png", shape_hw=(frame.shape[0], frame.shape[1]))
        tested = index % TEST_EVERY == TEST_EVERY - 1
        for crop in cut(frame, mask, crop_px=crop_px):
            if not tested and not crop.is_good:
                continue
            name = f"{photo.stem}_{crop.row}{crop.column}"
            file = f"{'test' if tested else 'train'}/{'good' if crop.is_good else 'crack'}/{name}.png"
            cv2.imwrite(str(root / file), crop.frame)
            if not crop.is_good:
                cv2.imwrite(str(root / "ground_truth" / "crack" / f"{name}_mask.png"), crop.mask * 255)
            groups.append(f"{file},{photo.stem}")
    (root / GROUPS_FILE).write_text("\n".join(groups) + "\n")
