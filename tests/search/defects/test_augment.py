"""The ten operations of DRAEM: each against what it promises."""

import cv2
import numpy as np
import pytest

from search.defects import augment
from search.defects.augment import AUGMENTATIONS, augment_texture, rotate


@pytest.fixture
def texture():
    frame = np.random.default_rng(0).integers(20, 200, size=(24, 36, 3), dtype=np.uint8)
    frame.setflags(write=False)  # as the cache hands it out
    return frame


class Fixed:
    """Stands in for a generator: the same number for every uniform draw."""

    def __init__(self, uniform, *, random=0.0, integer=0):
        self._uniform, self._random, self._integer = uniform, random, integer

    def uniform(self, low, high, size=None):
        assert low <= self._uniform <= high
        return self._uniform if size is None else np.full(size, self._uniform)

    def random(self):
        return self._random

    def integers(self, low, high):
        assert low <= self._integer < high
        return self._integer


@pytest.mark.parametrize("operation", AUGMENTATIONS, ids=lambda operation: operation.__name__)
def test_every_operation_returns_a_frame_and_follows_its_generator(operation, texture):
    once, again = (operation(texture, np.random.default_rng(5)) for _ in range(2))
    assert once.shape == texture.shape
    assert once.dtype == np.uint8
    np.testing.assert_array_equal(once, again)
    assert any((operation(texture, np.random.default_rng(s)) != texture).any() for s in range(5))


def test_gamma(texture):
    expected = np.rint(255.0 * (texture / 255.0) ** 2.0)
    np.testing.assert_array_equal(augment._gamma(texture, Fixed(2.0)), expected)
    np.testing.assert_array_equal(augment._gamma(texture, Fixed(1.0)), texture)


def test_gamma_differs_between_the_channels():
    gray = np.full((2, 2, 3), 90, np.uint8)
    assert len(set(augment._gamma(gray, np.random.default_rng(0))[0, 0].tolist())) == 3


def test_brightness(texture):
    expected = np.clip(np.rint(texture * 1.1 + 1.1), 0, 255)
    np.testing.assert_array_equal(augment._brightness(texture, Fixed(1.1)), expected)


def test_sharpness_of_one_changes_nothing_and_of_zero_smooths(texture):
    np.testing.assert_array_equal(augment._sharpness(texture, Fixed(1.0)), texture)
    assert augment._sharpness(texture, Fixed(0.0)).std() < texture.std()
    assert augment._sharpness(texture, Fixed(2.0)).std() > texture.std()


def test_sharpness_smooths_with_the_kernel_of_pillow(texture):
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    expected = cv2.filter2D(texture.astype(float), -1, kernel)
    assert np.abs(augment._sharpness(texture, Fixed(0.0)) - expected).max() <= 1.0  # rounded twice


def test_hue_turns_and_wraps():
    red = np.array([[[0, 0, 200]]], np.uint8)
    plus, minus = (augment._hue_saturation(red, Fixed(by)) for by in (50.0, -50.0))
    assert cv2.cvtColor(plus, cv2.COLOR_BGR2HSV)[0, 0, 0] == 35  # 50 of 255 is 35 of 180
    assert cv2.cvtColor(minus, cv2.COLOR_BGR2HSV)[0, 0, 0] in (144, 145)


@pytest.mark.parametrize(("random", "expected"), [(0.0, [99, 155, 55]), (0.5, [99, 100, 200])])
def test_solarize_inverts_from_the_threshold_on_half_the_time(random, expected):
    frame = np.array([[[99, 100, 200]]], np.uint8)
    assert augment._solarize(frame, Fixed(100.0, random=random))[0, 0].tolist() == expected


@pytest.mark.parametrize(
    ("bits", "expected"), [(1, [0, 128, 128]), (2, [64, 128, 192]), (8, [127, 128, 255])]
)
def test_posterize_keeps_the_upper_bits(bits, expected):
    frame = np.array([[[127, 128, 255]]], np.uint8)
    assert augment._posterize(frame, Fixed(1.0, integer=bits))[0, 0].tolist() == expected


def test_invert(texture):
    np.testing.assert_array_equal(augment._invert(texture, Fixed(1.0)), 255 - texture)


def test_autocontrast_stretches_to_the_whole_range(texture):
    stretched = augment._autocontrast(texture, Fixed(0.0))
    assert (stretched.min(), stretched.max()) == (0, 255)
    cut = augment._autocontrast(texture, Fixed(0.2))
    assert 0.15 < (cut == 0).mean() < 0.25
    assert 0.15 < (cut == 255).mean() < 0.25


def test_autocontrast_leaves_a_plain_frame_alone():
    plain = np.full((4, 4, 3), 77, np.uint8)
    np.testing.assert_array_equal(augment._autocontrast(plain, Fixed(0.1)), plain)


def test_equalize_spreads_each_channel(texture):
    equal = augment._equalize(texture, Fixed(1.0))
    assert equal.min(axis=(0, 1)).tolist() == [0, 0, 0]
    assert equal.max(axis=(0, 1)).tolist() == [255, 255, 255]


def test_rotate_by_quarter_turns_is_exact():
    frame = np.random.default_rng(1).integers(0, 256, size=(9, 9, 3), dtype=np.uint8)
    for degrees, turns in ((90.0, 1), (-90.0, -1)):
        turned = rotate(frame, degrees, border=cv2.BORDER_CONSTANT)
        np.testing.assert_array_equal(turned, np.rot90(frame, turns))


def test_rotate_of_a_frame_equals_that_of_its_channels(texture):
    together = rotate(texture, 33.0, border=cv2.BORDER_REFLECT_101)
    apart = [rotate(texture[..., c].copy(), 33.0, border=cv2.BORDER_REFLECT_101) for c in range(3)]
    np.testing.assert_array_equal(together, np.stack(apart, axis=2))


def test_rotate_to_another_shape_returns_the_middle():
    square = np.random.default_rng(2).random((8, 8), dtype=np.float32)
    middle = rotate(square, 0.0, shape_hw=(4, 8), border=cv2.BORDER_CONSTANT)
    np.testing.assert_allclose(middle, square[2:6], atol=1e-6)


def test_a_rotated_texture_has_no_black_corners():
    bright = np.full((40, 30, 3), 200, np.uint8)
    assert augment._rotate(bright, Fixed(45.0)).min() == 200


def test_three_different_operations_are_applied(monkeypatch, texture):
    applied = []
    recorders = tuple(lambda frame, rng, k=k: applied.append(k) or frame for k in range(10))
    monkeypatch.setattr(augment, "AUGMENTATIONS", recorders)
    seen = set()
    for seed in range(40):
        applied.clear()
        augment_texture(texture, np.random.default_rng(seed))
        assert len(set(applied)) == len(applied) == 3
        seen.update(applied)
    assert seen == set(range(10))
