"""Noise matrices are those of the text and of the published code, and labels follow them."""

import numpy as np
import pytest

from inspector.errors import InputError
from search.labels.noise import (
    corrupt,
    flip_rate,
    hierarchical_noise,
    published_symmetric_noise,
    symmetric_noise,
)

VEHICLES_AND_ANIMALS = [0, 0, 1, 1, 1, 1, 1, 1, 0, 0]  # CIFAR-10


@pytest.mark.parametrize(("num_classes", "eta"), [(2, 0.3), (10, 0.6), (10, 0.0), (100, 1.0)])
def test_symmetric_noise_of_the_text(num_classes: int, eta: float) -> None:
    matrix = symmetric_noise(num_classes, eta=eta)
    others = matrix[~np.eye(num_classes, dtype=bool)]
    assert np.diag(matrix) == pytest.approx(np.full(num_classes, 1 - eta))
    assert others == pytest.approx(np.full(others.shape, eta / (num_classes - 1)))
    assert matrix.sum(axis=1) == pytest.approx(np.ones(num_classes))


def test_the_published_variant_really_flips_54_of_100_labels_at_06() -> None:
    matrix = published_symmetric_noise(10, eta=0.6)
    assert matrix[0, 0] == pytest.approx(1 - 0.6 + 0.06)
    assert matrix[0, 1] == pytest.approx(0.06)
    assert flip_rate(matrix, np.arange(10)) == pytest.approx(0.54)


def test_hierarchical_noise_stays_within_the_super_class() -> None:
    matrix = hierarchical_noise(VEHICLES_AND_ANIMALS, eta=0.6)
    assert matrix[0].tolist() == pytest.approx([0.4, 0.2, 0, 0, 0, 0, 0, 0, 0.2, 0.2])
    assert matrix[3].tolist() == pytest.approx([0, 0, 0.12, 0.4, 0.12, 0.12, 0.12, 0.12, 0, 0])


def test_a_class_that_is_alone_keeps_its_labels() -> None:
    assert hierarchical_noise([0, 0, 1], eta=0.5)[2].tolist() == [0, 0, 1]


def test_labels_follow_the_matrix() -> None:
    matrix = hierarchical_noise(VEHICLES_AND_ANIMALS, eta=0.4)
    labels = np.repeat(np.arange(10), 20_000)
    noisy = corrupt(labels, matrix, np.random.default_rng(0))
    counted = np.zeros((10, 10))
    np.add.at(counted, (labels, noisy), 1 / 20_000)
    assert np.abs(counted - matrix).max() < 0.015  # four standard deviations
    assert (counted[matrix == 0] == 0).all()


def test_labels_depend_on_the_generator_alone_and_the_given_ones_stay() -> None:
    labels = np.arange(100) % 10
    matrix = symmetric_noise(10, eta=0.6)
    first = corrupt(labels, matrix, np.random.default_rng(3))
    assert np.array_equal(first, corrupt(labels, matrix, np.random.default_rng(3)))
    assert not np.array_equal(first, corrupt(labels, matrix, np.random.default_rng(4)))
    assert np.array_equal(labels, np.arange(100) % 10)


def test_without_noise_every_label_stays_and_with_full_noise_none_does() -> None:
    labels = np.arange(1000) % 7
    rng = np.random.default_rng(0)
    assert np.array_equal(corrupt(labels, symmetric_noise(7, eta=0.0), rng), labels)
    assert not (corrupt(labels, symmetric_noise(7, eta=1.0), rng) == labels).any()


def test_a_generator_draws_one_number_a_label_whatever_the_noise() -> None:
    left = []
    for eta in (0.0, 0.9):
        rng = np.random.default_rng(1)
        corrupt(np.zeros(50, np.int64), symmetric_noise(3, eta=eta), rng)
        left.append(rng.random())
    assert left[0] == left[1]


@pytest.mark.parametrize("eta", [-0.1, 1.1, float("nan")])
def test_a_level_that_is_no_chance_is_refused(eta: float) -> None:
    with pytest.raises(InputError, match="is a chance from 0 to 1"):
        symmetric_noise(10, eta=eta)


@pytest.mark.parametrize("num_classes", [0, 1])
def test_one_class_cannot_be_mistaken(num_classes: int) -> None:
    with pytest.raises(InputError, match=f"{num_classes} class cannot be mistaken"):
        symmetric_noise(num_classes, eta=0.1)


def test_super_classes_of_one_class_each_are_refused() -> None:
    with pytest.raises(InputError, match="each of the 3 classes is alone in its super-class"):
        hierarchical_noise([0, 1, 2], eta=0.1)


@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_beyond_the_matrix_is_refused(label: int) -> None:
    with pytest.raises(InputError, match="but the noise is of 3 classes; number the classes from 0 to 2"):
        corrupt(np.array([0, label]), symmetric_noise(3, eta=0.1), np.random.default_rng(0))


def test_no_labels_give_no_labels() -> None:
    assert len(corrupt(np.zeros(0, np.int64), symmetric_noise(3, eta=0.1), np.random.default_rng(0))) == 0
