"""Labels are wrong where the condition says, and nowhere else."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from inspector.errors import DatasetError
from search.reproduce.label_noise.images import (
    CIFAR10_SUPERCLASSES,
    Noise,
    Part,
    load_cifar10,
    load_cifar100,
    make_parts,
    superclasses_of,
)

SYMMETRIC = Noise("symmetric", 0.6)


@pytest.mark.parametrize("parts", [(), ("train",), ("valid",), ("train", "valid")])
def test_only_the_parts_of_the_condition_are_noisy(data: Path, parts: tuple[Part, ...]) -> None:
    images = load_cifar10(data, whole=False)
    clean = make_parts(images, SYMMETRIC.only(), seed=1)
    noisy = make_parts(images, SYMMETRIC.only(*parts), seed=1)
    for name in ("train", "valid"):
        before, after = getattr(clean, name), getattr(noisy, name)
        assert np.array_equal(before.images, after.images)  # one split for all conditions
        assert np.array_equal(before.labels, after.labels) == (name not in parts)
    assert noisy.test == images.test


def test_a_part_has_the_same_wrong_labels_in_every_condition(data: Path) -> None:
    images = load_cifar10(data, whole=False)
    alone, both = (make_parts(images, noise, seed=1) for noise in (SYMMETRIC.only("train"), SYMMETRIC))
    assert np.array_equal(alone.train.labels, both.train.labels)
    other = make_parts(images, SYMMETRIC, seed=2)
    assert not np.array_equal(both.train.labels, other.train.labels)


def test_a_tenth_validates(data: Path) -> None:
    parts = make_parts(load_cifar10(data, whole=False), SYMMETRIC, seed=0)
    assert (len(parts.train), len(parts.valid), len(parts.test)) == (90, 10, 20)


def test_hierarchical_noise_takes_no_vehicle_for_an_animal(data: Path) -> None:
    images = load_cifar10(data, whole=False)
    clean = make_parts(images, Noise("hierarchical", 0.6).only(), seed=0).train.labels
    noisy = make_parts(images, Noise("hierarchical", 0.6), seed=0).train.labels
    superclass = np.array(CIFAR10_SUPERCLASSES)
    assert (clean != noisy).mean() > 0.4
    assert np.array_equal(superclass[clean], superclass[noisy])


def test_the_vehicles_of_cifar_10_are_four() -> None:
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    vehicles = {name for name, kind in zip(names, CIFAR10_SUPERCLASSES, strict=True) if kind == 0}
    assert vehicles == {"airplane", "automobile", "ship", "truck"}


def test_fewer_images_are_of_all_classes_alike(data: Path) -> None:
    images = load_cifar10(data, whole=False, limit=40)
    assert np.bincount(images.train.labels).tolist() == [4] * 10
    assert np.bincount(images.test.labels).tolist() == [2] * 10


def test_super_classes_are_read_off_the_images() -> None:
    assert superclasses_of([2, 0, 1, 0, 2], [7, 3, 3, 3, 7]) == (3, 3, 7)


def test_batches_are_cropped_and_cut_out_in_training_alone(data: Path) -> None:
    parts = make_parts(load_cifar10(data, whole=False), SYMMETRIC, seed=0)
    train = parts.feed(parts.train, batch_size=4, seed=3, training=True, cutout_px=16)
    test = parts.feed(parts.test, batch_size=4, seed=3, training=False, cutout_px=16)
    assert (train.augment, train.cutout_px, train.seed) == (True, 16, 3)
    assert (test.augment, test.cutout_px) == (False, 0)
    assert np.array_equal(train.mean, test.mean)


def test_cifar_100_is_read_with_its_super_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    fine = np.arange(200) % 100
    for name in ("train", "test"):
        content = {
            "data": np.full((200, 3 * 32 * 32), 7, np.uint8),
            "fine_labels": fine.tolist(),
            "coarse_labels": (fine // 5).tolist(),
        }
        (folder / name).write_bytes(pickle.dumps(content))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [str(number) for number in range(100)]}))
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda _path, _md5=None: True)
    images = load_cifar100(tmp_path)
    assert (len(images.train), len(images.test), images.train.num_classes) == (200, 200, 100)
    assert images.superclasses == tuple(number // 5 for number in range(100))
    noisy = make_parts(images, Noise("hierarchical", 0.6), seed=0).train.labels
    clean = make_parts(images, Noise("hierarchical", 0.6).only(), seed=0).train.labels
    assert (noisy != clean).mean() > 0.4
    assert np.array_equal(noisy // 5, clean // 5)


def test_a_missing_cifar_100_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"does not hold CIFAR-100 .* unpack cifar-100-python\.tar\.gz there"
    ):
        load_cifar100(tmp_path)
