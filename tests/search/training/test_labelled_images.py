"""Labelled images, their parts, and the batches of a step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inspector.errors import DatasetError
from search.training.image_feed import ImageFeed, random_crops, random_cutout, random_flips
from search.training.labelled_images import LabelledImages, normalisation, split_off


def images(num: int = 10, *, side: int = 8) -> LabelledImages:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (num, side, side, 3)).astype(np.uint8)
    return LabelledImages(pixels, np.arange(num) % 3, 3)


def feed(
    data: LabelledImages, *, batch_size: int = 4, augment: bool = False, cutout_px: int = 0
) -> ImageFeed:
    mean, deviation = normalisation(data.images)
    return ImageFeed(data, mean, deviation, batch_size, seed=1, augment=augment, cutout_px=cutout_px)


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (np.zeros((0, 8, 8, 3)), np.zeros(0, np.int64), "are no stack of colour images"),
        (np.zeros((2, 8, 8)), np.zeros(2, np.int64), "are no stack of colour images"),
        (np.zeros((2, 8, 8, 3)), np.zeros(3, np.int64), "2 images, but 3 labels"),
        (np.zeros((2, 8, 8, 3)), np.array([0, 3]), "labels from 0 to 3 do not fit 3 classes"),
        (np.zeros((2, 8, 8, 3)), np.array([-1, 0]), "labels from -1 to 0 do not fit 3 classes"),
    ],
)
def test_images_that_do_not_fit_their_labels_are_refused(
    pixels: np.ndarray, labels: np.ndarray, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        LabelledImages(pixels.astype(np.uint8), labels, 3)


@pytest.mark.parametrize(("num", "share", "taken"), [(10, 0.1, 1), (10, 0.5, 5), (3, 0.01, 1), (3, 0.99, 2)])
def test_a_split_has_two_parts_that_are_not_empty(num: int, share: float, taken: int) -> None:
    rest, part = split_off(num, share=share, rng=np.random.default_rng(0))
    assert len(part) == taken
    assert sorted([*rest, *part]) == list(range(num))


def test_one_image_cannot_be_split() -> None:
    with pytest.raises(DatasetError, match="1 image cannot be split into two parts"):
        split_off(1, share=0.5, rng=np.random.default_rng(0))


def test_an_epoch_shows_every_image_with_its_own_label() -> None:
    data = images(12)
    plain = feed(data)
    assert plain.steps_per_epoch == 3
    seen = [plain.batch(step) for step in range(3)]
    mean, deviation = normalisation(data.images)
    values = (data.images.astype(np.float32) / 255 - mean) / deviation
    found = set()
    for batch, labels in seen:
        for image, label in zip(batch.numpy().transpose(0, 2, 3, 1), labels.tolist(), strict=True):
            place = int(np.abs(values - image).reshape(12, -1).max(axis=1).argmin())
            assert np.allclose(values[place], image, atol=1e-5)
            assert data.labels[place] == label
            found.add(place)
    assert found == set(range(12))


def test_the_mean_image_is_zero_and_the_deviation_one() -> None:
    whole = torch.cat([image for image, _ in feed(images(50)).in_order()])
    assert float(whole.mean(dim=0).abs().max()) < 1e-5
    assert float(whole.std()) == pytest.approx(1.0, abs=1e-3)


def test_a_step_is_the_same_whenever_it_is_asked_for() -> None:
    augmented = feed(images(), augment=True, cutout_px=4)
    late = augmented.batch(7)
    augmented.batch(0)
    assert torch.equal(augmented.batch(7)[0], late[0])
    assert not torch.equal(augmented.batch(8)[0], late[0])


def test_crops_are_shifts_with_zeros_moving_in() -> None:
    values = np.random.default_rng(0).normal(1, 0.1, (64, 6, 6, 3)).astype(np.float32)
    cropped = random_crops(values, np.random.default_rng(1), padding_px=2)
    shifts = set()
    for before, after in zip(values, cropped, strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)))
        fits = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if np.array_equal(padded[top : top + 6, left : left + 6], after)
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert len(shifts) > 15


def test_flips_mirror_about_half_of_the_images() -> None:
    values = np.random.default_rng(0).normal(size=(200, 2, 3, 3)).astype(np.float32)
    flipped = random_flips(values, np.random.default_rng(1))
    same = np.array([np.array_equal(a, b) for a, b in zip(values, flipped, strict=True)])
    mirrored = np.array([np.array_equal(a[:, ::-1], b) for a, b in zip(values, flipped, strict=True)])
    assert (same != mirrored).all()
    assert 70 < same.sum() < 130


def test_cutout_blanks_at_most_its_square() -> None:
    values = np.ones((50, 12, 12, 3), np.float32)
    cut = random_cutout(values, np.random.default_rng(0), side_px=4)
    num_blank = (cut[..., 0] == 0).sum(axis=(1, 2))
    assert num_blank.max() <= 16
    assert num_blank.min() >= 4  # a corner
    assert (cut[..., 0] == cut[..., 2]).all()
