"""Every kind of mask noise does what its name says, and nothing else."""

import cv2
import numpy as np
import pytest

from inspector.errors import InputError
from search.labels.mask_noise import MASK_NOISE, Mask, corrupt_mask, dilated, eroded, extra, missing, shifted

SEEDS = range(20)


def two_regions() -> Mask:
    mask = np.zeros((40, 50), np.uint8)
    mask[5:15, 8:20] = 1
    mask[25:33, 30:45] = 1
    return mask


def num_regions(mask: Mask) -> int:
    return int(cv2.connectedComponents(mask)[0]) - 1


@pytest.mark.parametrize("kind", MASK_NOISE)
def test_a_noisy_mask_is_another_one_of_zeros_and_ones_and_the_given_one_stays(kind: str) -> None:
    for seed in SEEDS:
        mask = two_regions()
        noisy = corrupt_mask(mask, np.random.default_rng(seed), kinds=[kind], reach_px=3)
        assert np.array_equal(mask, two_regions())
        assert noisy.dtype == np.uint8
        assert noisy.shape == mask.shape
        assert set(np.unique(noisy)) <= {0, 1}
        assert not np.array_equal(noisy, mask)


@pytest.mark.parametrize("kind", MASK_NOISE)
def test_the_same_generator_gives_the_same_mask(kind: str) -> None:
    first, second = (MASK_NOISE[kind](two_regions(), np.random.default_rng(7), 3) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_shifted_mask_keeps_its_regions_and_moves_no_further_than_the_reach() -> None:
    offsets = set()
    for seed in SEEDS:
        noisy = shifted(two_regions(), np.random.default_rng(seed), 4)
        top, left = np.argwhere(noisy)[0]
        offsets.add((top - 5, left - 8))
        assert noisy.sum() == two_regions().sum()
    assert len(offsets) > 10
    assert (0, 0) not in offsets
    assert max(abs(step) for offset in offsets for step in offset) <= 4


def test_what_is_shifted_out_of_the_picture_does_not_come_back_on_the_other_side() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[:, 0] = 1
    for seed in SEEDS:
        noisy = shifted(mask, np.random.default_rng(seed), 3)
        assert not noisy[:, 4:].any()


def test_dilation_grows_and_erosion_shrinks_by_no_more_than_the_reach() -> None:
    mask = two_regions()
    kernel = np.ones((7, 7), np.uint8)
    for seed in SEEDS:
        larger, smaller = (noise(mask, np.random.default_rng(seed), 3) for noise in (dilated, eroded))
        assert (larger >= mask).all()
        assert (smaller <= mask).all()
        assert (larger <= cv2.dilate(mask, kernel)).all()
        assert (smaller >= cv2.erode(mask, kernel)).all()


def test_erosion_does_not_eat_a_region_from_the_border_of_the_picture() -> None:
    full = np.ones((12, 12), np.uint8)
    assert np.array_equal(eroded(full, np.random.default_rng(0), 2), full)


def test_one_region_is_missing_and_the_other_is_whole() -> None:
    kept = {missing(two_regions(), np.random.default_rng(seed), 1).sum() for seed in SEEDS}
    assert kept == {10 * 12, 8 * 15}


def test_an_extra_region_has_the_size_of_one_that_is_there_and_touches_none() -> None:
    for seed in SEEDS:
        noisy = extra(two_regions(), np.random.default_rng(seed), 1)
        assert (noisy >= two_regions()).all()
        assert noisy.sum() - two_regions().sum() in (10 * 12, 8 * 15)


def test_an_empty_mask_gets_a_disc_and_no_other_noise() -> None:
    empty = np.zeros((30, 30), np.uint8)
    rng = np.random.default_rng(0)
    assert num_regions(extra(empty, rng, 3)) == 1
    for noise in (shifted, dilated, eroded, missing):
        assert not noise(empty, rng, 3).any()


@pytest.mark.parametrize("kind", MASK_NOISE)
def test_a_full_mask_and_a_single_pixel_are_no_trouble(kind: str) -> None:
    for mask in (np.ones((9, 9), np.uint8), np.ones((1, 1), np.uint8), np.zeros((1, 1), np.uint8)):
        for seed in SEEDS:
            noisy = MASK_NOISE[kind](mask, np.random.default_rng(seed), 3)
            assert noisy.shape == mask.shape


def test_all_kinds_are_drawn() -> None:
    mask, rng = two_regions(), np.random.default_rng(0)
    found = {
        corrupt_mask(mask, rng, kinds=["missing", "extra"], reach_px=1).sum() > mask.sum() for _ in SEEDS
    }
    assert found == {True, False}


@pytest.mark.parametrize(
    ("kinds", "reach_px", "message"),
    [
        ([], 3, "the kinds of mask noise are shifted, dilated, eroded, missing, extra, not none"),
        (["shiftd"], 3, "not shiftd"),
        (["shifted"], 0, "reaches 0 pixels changes nothing; give 1 or more"),
    ],
)
def test_bad_settings_are_refused(kinds: list[str], reach_px: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        corrupt_mask(two_regions(), np.random.default_rng(0), kinds=kinds, reach_px=reach_px)
