"""The pictures of test images."""

from __future__ import annotations

import base64
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from search.report.gallery import MAX_TOTAL_BYTES, GalleryItem, gallery_pictures, strip

MakeGallery = Callable[..., list[GalleryItem]]


def item(*, shape_hw: tuple[int, int], mask: np.ndarray | None = None) -> GalleryItem:
    return GalleryItem(np.full((*shape_hw, 3), 128, np.uint8), np.zeros((64, 64), np.float32), mask, "a part")


@pytest.mark.parametrize(
    ("shape_hw", "panel_hw"),
    [((512, 512), (256, 256)), ((300, 600), (128, 256)), ((64, 48), (64, 48)), ((5000, 10), (256, 1))],
)
def test_three_panels_keep_the_aspect_ratio(shape_hw: tuple[int, int], panel_hw: tuple[int, int]) -> None:
    assert strip(item(shape_hw=shape_hw)).shape == (panel_hw[0], 3 * panel_hw[1] + 8, 3)


def test_a_defect_one_pixel_wide_is_still_outlined() -> None:
    mask = np.zeros((2048, 2048), np.uint8)
    mask[100:1900, 1024] = 1
    frame = strip(item(shape_hw=(2048, 2048), mask=mask))
    truth = frame[:, -256:]
    assert (truth != 128).any(axis=2).sum() > 2 * 200


def test_outside_the_outline_the_truth_is_the_photo() -> None:
    mask = np.zeros((128, 128), np.uint8)
    mask[40:60, 40:60] = 1
    truth = strip(item(shape_hw=(128, 128), mask=mask))[:, -128:]
    assert (truth[80:] == 128).all()
    assert (truth[48:52, 48:52] == 128).all()


@pytest.mark.parametrize("mask", [None, np.zeros((128, 128), np.uint8)])
def test_without_a_true_defect_words_stand_in_its_place(mask: np.ndarray | None) -> None:
    good = item(shape_hw=(128, 128), mask=mask)
    truth = strip(good)[:, -128:]
    assert not good.has_defect
    assert (truth == 246).mean() > 0.9
    assert (truth < 200).any()


def test_a_missing_mask_is_not_called_no_defect() -> None:
    unknown, good = item(shape_hw=(128, 128)), item(shape_hw=(128, 128), mask=np.zeros((8, 8), np.uint8))
    assert (strip(unknown) != strip(good)).any()


def test_a_picture_is_a_jpeg_of_the_size_it_says(make_gallery: MakeGallery) -> None:
    (picture,) = gallery_pictures(make_gallery(1))
    data = np.frombuffer(base64.b64decode(picture.uri.removeprefix("data:image/jpeg;base64,")), np.uint8)
    frame = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert frame is not None
    assert frame.shape[:2] == (picture.height, picture.width)


def test_pictures_of_noise_stay_within_the_budget_together() -> None:
    rng = np.random.default_rng(0)
    noise = [
        GalleryItem(
            rng.integers(0, 256, (256, 256, 3), np.uint8), np.zeros((64, 64), np.float32), None, "noise"
        )
        for _ in range(24)
    ]
    total = sum(len(picture.uri) for picture in gallery_pictures(noise))
    assert total < MAX_TOTAL_BYTES * 4 / 3 + 24 * 100


def test_no_items_give_no_pictures() -> None:
    assert gallery_pictures([]) == []
