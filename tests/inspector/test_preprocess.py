from collections.abc import Callable

import cv2
import numpy as np
import pytest

from inspector.errors import ImageError
from inspector.preprocess import frame_to_image, resize_frame, resize_mask, to_image


def test_image_is_rgb_planes_in_0_1() -> None:
    frame = np.zeros((2, 3, 3), np.uint8)
    frame[0, 1] = (255, 51, 0)  # blue, green, red
    image = frame_to_image(frame)
    assert image.shape == (1, 3, 2, 3)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[0, :, 0, 1], np.array([0, 0.2, 1], np.float32))
    assert image.flags.c_contiguous


def test_every_gray_level_is_the_nearest_float() -> None:
    levels = np.arange(256, dtype=np.uint8)
    image = frame_to_image(np.dstack([levels[np.newaxis]] * 3))
    np.testing.assert_array_equal(image[0, 0, 0], (levels / 255).astype(np.float32))


@pytest.mark.parametrize(
    ("size_hw", "interpolation"),
    [
        ((30, 40), cv2.INTER_AREA),
        ((60, 40), cv2.INTER_AREA),  # one axis stays
        ((90, 40), cv2.INTER_LINEAR),
        ((90, 120), cv2.INTER_LINEAR),
    ],
)
def test_area_average_only_where_nothing_grows(
    part: Callable[..., np.ndarray], size_hw: tuple[int, int], interpolation: int
) -> None:
    frame = part(1, (60, 80))
    expected = cv2.resize(frame, size_hw[::-1], interpolation=interpolation)
    np.testing.assert_array_equal(resize_frame(frame, size_hw=size_hw), expected)


def test_to_image_is_resize_then_scale(part: Callable[..., np.ndarray]) -> None:
    frame = part(1, (60, 80))
    resized = resize_frame(frame, size_hw=(32, 48))
    np.testing.assert_array_equal(to_image(frame, size_hw=(32, 48)), frame_to_image(resized))


def test_a_frame_of_the_right_size_is_untouched(part: Callable[..., np.ndarray]) -> None:
    frame = part(1)
    assert resize_frame(frame, size_hw=(60, 80)) is frame


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_frame_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"a frame is uint8 \(H, W, 3\), but this one is"):
        to_image(frame, size_hw=(8, 8))


def test_mask_pixel_is_defect_above_one_half_of_its_area() -> None:
    mask = np.zeros((4, 8), np.uint8)
    mask[0:2, 0:2] = [[1, 1], [1, 0]]  # three quarters
    mask[0:2, 2:4] = [[1, 1], [0, 0]]  # exactly one half
    mask[2:4, 6:8] = 1
    assert resize_mask(mask, size_hw=(2, 4)).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]


def test_a_mask_grows_without_new_values() -> None:
    mask = np.array([[0, 1]], np.uint8)
    grown = resize_mask(mask, size_hw=(4, 8))
    assert grown.dtype == np.uint8
    np.testing.assert_array_equal(grown[:, [0, 1, 6, 7]], [[0, 0, 1, 1]] * 4)
    assert set(np.unique(grown)) == {0, 1}
