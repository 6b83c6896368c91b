"""Crops of road photos: what is good is clear of cracks, and no photo is on both sides."""

import csv

import cv2
import numpy as np
import pytest

from inspector.dataset import open_dataset
from inspector.errors import DatasetError
from search.reproduce.crack_crops import CLEAR_PX, cut, write_crack_crops

SIDE = 32


def _photo(seed):
    frame = np.random.default_rng(seed).integers(90, 130, size=(2 * SIDE, 3 * SIDE, 3), dtype=np.uint8)
    mask = np.zeros((2 * SIDE, 3 * SIDE), np.uint8)
    mask[10:13, : SIDE + 1] = 255  # through the first crop, one column into the second
    return frame, mask


@pytest.fixture
def source(tmp_path):
    root = tmp_path / "crackforest"
    for folder in ("image", "mask_png"):
        (root / folder).mkdir(parents=True)
    for number in range(8):
        frame, mask = _photo(number)
        cv2.imwrite(str(root / "image" / f"{number:03d}.jpg"), frame)
        cv2.imwrite(str(root / "mask_png" / f"{number:03d}.png"), mask)
    return root


def test_crops_near_a_crack_are_neither_good_nor_cracked():
    frame, mask = _photo(0)
    crops = {(crop.row, crop.column): crop for crop in cut(frame, mask // 255, crop_px=SIDE)}
    # (0, 1) holds so small a corner of the crack that it is left out
    assert sorted(crops) == [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert not crops[0, 0].is_good
    assert crops[0, 2].is_good
    near = np.zeros_like(mask)
    near[SIDE - CLEAR_PX, :4] = 1  # close to the row below, but not in it
    below = [crop for crop in cut(frame, near, crop_px=SIDE) if crop.row == 1 and crop.column == 0]
    assert below == []


def test_no_photo_gives_crops_to_training_and_to_the_test(source, tmp_path):
    root = tmp_path / "crops"
    write_crack_crops(source, root, crop_px=SIDE)
    dataset = open_dataset(root)
    assert dataset.layout == "mvtec"
    trained, tested = ({sample.group for sample in part} for part in (dataset.train, dataset.test))
    assert trained
    assert tested
    assert not trained & tested
    assert len(trained) == 6
    assert len(tested) == 2
    with (root / "groups.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(dataset.train) + len(dataset.test)


def test_every_cracked_crop_has_its_mask(source, tmp_path):
    root = tmp_path / "crops"
    write_crack_crops(source, root, crop_px=SIDE)
    dataset = open_dataset(root)
    dataset.check_files()
    for sample in dataset.test_defects:
        mask = cv2.imread(str(sample.mask_path), cv2.IMREAD_GRAYSCALE)
        assert set(np.unique(mask)) == {0, 255}
    for sample in (*dataset.train, *dataset.test_good):
        assert sample.mask_path is None


def test_another_folder_is_refused(tmp_path, source):
    with pytest.raises(DatasetError, match="holds no image"):
        write_crack_crops(tmp_path, tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match="exists already"):
        write_crack_crops(source, tmp_path / "out")
