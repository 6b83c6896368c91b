"""Images are read as they are stored, halves are disjoint, what is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.errors import DatasetError
from search.nasb.cifar10 import SMALL_FILE, halves, load_all, load_small
from search.training.labelled_images import LabelledImages


def numbered(count: int) -> LabelledImages:
    images = np.zeros((count, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    return LabelledImages(images, np.arange(count) % 10, num_classes=10)


def test_halves_are_of_one_size_disjoint_and_drawn_by_the_seed() -> None:
    first, second = halves(numbered(21), seed=3)
    a, b = (set(part.images[:, 0, 0, 0].tolist()) for part in (first, second))
    assert len(a) == len(b) == 10
    assert not a & b
    again, _ = halves(numbered(21), seed=3)
    other, _ = halves(numbered(21), seed=4)
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_one_image_cannot_be_halved() -> None:
    with pytest.raises(DatasetError, match="1 image cannot be halved"):
        halves(numbered(1), seed=0)


def test_a_missing_or_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="must name the folder that holds cifar10_small"):
        load_small(tmp_path)
    (tmp_path / SMALL_FILE).parent.mkdir()
    (tmp_path / SMALL_FILE).write_bytes(b"no archive")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_small(tmp_path)


def test_cifar_10_is_never_downloaded(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not hold CIFAR-10"):
        load_all(tmp_path)


@pytest.mark.data
def test_the_small_part(real_data: Path) -> None:
    data = load_small(real_data)
    assert (len(data.train), len(data.test)) == (5000, 1000)
    assert set(data.train.labels) == set(range(10))
