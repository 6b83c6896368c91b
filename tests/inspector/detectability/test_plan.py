"""Spots are what they say they are, and a plan refuses what it cannot mean."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.detectability.plan import Plan, Spot, default_sizes_px
from inspector.errors import InputError

GRAY = np.full((60, 80, 3), 128, np.uint8)


@pytest.mark.parametrize("size_px", [4.0, 9.0, 20.0])
def test_a_spot_has_the_area_of_its_disc(size_px: float) -> None:
    area = Spot(40.0, 30.0, size_px, 0.2).mask((60, 80)).sum()
    assert area == pytest.approx(np.pi * size_px**2 / 4, rel=0.15)


@pytest.mark.parametrize("contrast", [-0.4, -0.1, 0.1, 0.4])
def test_a_spot_changes_the_brightness_by_its_contrast(contrast: float) -> None:
    spot = Spot(40.0, 30.0, 12.0, contrast)
    drawn = spot.draw(GRAY)
    assert int(drawn[30, 40, 0]) == round(128 + 255 * contrast)
    assert (drawn[0] == 128).all()
    assert (GRAY == 128).all()


def test_the_mean_change_of_a_tiny_spot_is_its_area() -> None:
    change = Spot(40.5, 30.5, 0.5, 0.4).draw(GRAY).astype(int) - 128
    assert 0 < change.sum() / 3 <= 0.4 * 255 * np.pi * 0.5**2 / 4 + 2


def test_a_spot_at_the_edge_is_cut_there() -> None:
    spot = Spot(0.0, 30.0, 10.0, 0.2)
    mask = spot.mask((60, 80))
    assert mask[30, 0] == 1
    assert mask.sum() == pytest.approx(np.pi * 100 / 8, rel=0.25)


def test_a_tiny_spot_still_has_a_pixel() -> None:
    assert Spot(3.2, 4.7, 0.3, 0.1).mask((10, 10)).sum() >= 1


def test_a_bright_spot_on_white_is_not_drawn() -> None:
    white = np.full((60, 80, 3), 250, np.uint8)
    bright, dark = Spot(40.0, 30.0, 9.0, 0.4), Spot(40.0, 30.0, 9.0, -0.4)
    assert not bright.is_drawn(white, bright.draw(white))
    assert dark.is_drawn(white, dark.draw(white))


def test_a_spot_below_a_pixel_counts_as_drawn_where_there_is_room() -> None:
    tiny = Spot(40.5, 30.5, 0.5, 0.4)
    assert tiny.is_drawn(GRAY, tiny.draw(GRAY))


@pytest.mark.parametrize(
    ("frame_hw", "shape"), [((60, 60), (4, 4)), ((60, 120), (4, 8)), ((120, 60), (8, 4)), ((60, 65), (4, 4))]
)
def test_places_are_as_far_apart_along_both_sides(frame_hw: tuple[int, int], shape: tuple[int, int]) -> None:
    plan = Plan((2.0,), (0.1,), grid=4)
    places = plan.places(frame_hw)
    assert plan.shape(frame_hw) == shape
    assert len(places) == shape[0] * shape[1]
    assert all(0 < x < frame_hw[1] and 0 < y < frame_hw[0] for x, y in places)
    assert places[0] == (frame_hw[1] / shape[1] / 2, frame_hw[0] / shape[0] / 2)


def test_a_plan_tries_every_combination_dark_and_bright() -> None:
    plan = Plan((2.0, 5.0), (0.1, 0.2, 0.4), grid=2)
    spots = list(plan.spots((40, 40)))
    assert len(spots) == plan.num_spots((40, 40)) == 4 * 2 * 3 * 2
    assert len({(place, size, contrast) for place, size, contrast, _ in spots}) == 4 * 2 * 3
    assert {(spot.size_px, spot.contrast) for *_, spot in spots} == {
        (size, sign * contrast) for size in (2.0, 5.0) for contrast in (0.1, 0.2, 0.4) for sign in (-1, 1)
    }


@pytest.mark.parametrize(
    ("sizes", "contrasts", "grid", "sentence"),
    [
        ((), (0.1,), 4, "sizes are none"),
        ((3.0, 2.0), (0.1,), 4, "the smallest first"),
        ((0.0, 2.0), (0.1,), 4, "above 0"),
        ((2.0,), (0.1, 1.5), 4, "up to 1"),
        ((2.0,), (0.1,), 0, "choose 1 to 50"),
    ],
)
def test_a_plan_refuses(
    sizes: tuple[float, ...], contrasts: tuple[float, ...], grid: int, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        Plan(sizes, contrasts, grid=grid)


def test_default_sizes_of_a_small_photo_are_whole_pixels_once_each() -> None:
    assert default_sizes_px((32, 40)) == (1.0, 2.0, 3.0, 4.0)
