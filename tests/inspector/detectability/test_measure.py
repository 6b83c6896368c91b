"""Counting against an inspector whose limit is known: it fails what changes enough of the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inspector.detectability import Plan, measure, picture
from inspector.detectability.measure import is_found
from inspector.detectability.plan import Spot
from inspector.errors import InputError
from inspector.postprocess import Judgement, Thresholds, judge

GOOD = np.full((64, 64, 3), 100, np.uint8)
THRESHOLDS = Thresholds(fail=0.5, review=0.5, min_area_px=1)


def known_inspector(*, least_change: float, blind: slice | None = None) -> Callable[[np.ndarray], Judgement]:
    """Fails pixels that differ from the good part by more than `least_change` of the range, at 32x32."""

    def inspect(frame: np.ndarray) -> Judgement:
        change = np.abs(frame.astype(np.float32) - 100)[..., 0] / 255 > least_change
        if blind is not None:
            change[:, blind] = False
        score = change.reshape(32, 2, 32, 2).max(axis=(1, 3)).astype(np.float32)
        return judge(score, THRESHOLDS)

    return inspect


def test_contrast_above_the_limit_is_found_and_below_it_is_not() -> None:
    plan = Plan((10.0, 16.0), (0.1, 0.3), grid=3)
    found = measure(known_inspector(least_change=0.2), [GOOD], plan)
    assert found.rates().tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert found.smallest_px() == [None, 10.0]
    assert found.smallest_at_places_px() == [[None, 10.0]] * 9


def test_a_place_where_the_inspector_is_blind_shows_on_the_map() -> None:
    plan = Plan((8.0,), (0.3,), grid=2)
    found = measure(known_inspector(least_change=0.2, blind=slice(0, 32)), [GOOD], plan)
    assert found.smallest_at_places_px() == [[None], [8.0], [None], [8.0]]
    assert found.rates().tolist() == [[0.5]]
    assert found.smallest_px() == [None]
    assert found.smallest_px(reliable=0.5) == [8.0]


def test_a_larger_size_that_is_missed_hides_a_smaller_one_that_was_found() -> None:
    def only_small(frame: np.ndarray) -> Judgement:
        score = (np.abs(frame.astype(np.float32) - 100)[::2, ::2, 0] > 20).astype(np.float32)
        return judge(score * (score.sum() < 30), THRESHOLDS)

    found = measure(only_small, [GOOD], Plan((6.0, 30.0), (0.3,), grid=1))
    assert found.rates().tolist() == [[1.0], [0.0]]
    assert found.smallest_px() == [None]


def test_a_spot_without_room_is_not_counted() -> None:
    bright = np.full((64, 64, 3), 250, np.uint8)
    plan = Plan((8.0,), (0.4,), grid=2)

    def sees_dark(frame: np.ndarray) -> Judgement:
        return judge((frame[::2, ::2, 0] < 200).astype(np.float32), THRESHOLDS)

    found = measure(sees_dark, [bright], plan)
    assert found.drawn.ravel().tolist() == [1] * 4
    assert found.rates().tolist() == [[1.0]]


def test_good_photos_that_fail_by_themselves_are_left_out() -> None:
    spoilt = GOOD.copy()
    spoilt[20:40, 20:40] = 255
    found = measure(known_inspector(least_change=0.2), [spoilt, GOOD], Plan((10.0,), (0.1,), grid=2))
    assert (found.num_photos, found.num_rejected) == (1, 1)
    assert found.rates().tolist() == [[0.0]]


def test_no_photo_is_left() -> None:
    spoilt = np.full((64, 64, 3), 255, np.uint8)
    with pytest.raises(InputError, match="all 1 good photos are rejected as they are"):
        measure(known_inspector(least_change=0.2), [spoilt], Plan((10.0,), (0.1,)))


@pytest.mark.parametrize("frames", [[], [GOOD, GOOD[:32]]])
def test_photos_must_be_of_one_size(frames: list[np.ndarray]) -> None:
    with pytest.raises(InputError, match="needs good photos of one size"):
        measure(known_inspector(least_change=0.2), frames, Plan((10.0,), (0.1,)))


def test_a_region_far_from_the_spot_does_not_count() -> None:
    score = np.zeros((32, 32), np.float32)
    score[2:8, 2:8] = 1
    judgement = judge(score, THRESHOLDS)
    assert is_found(judgement, Spot(10.0, 10.0, 6.0, 0.2), (64, 64))
    assert not is_found(judgement, Spot(50.0, 50.0, 6.0, 0.2), (64, 64))


def test_a_spot_below_a_pixel_of_the_network_has_a_place() -> None:
    score = np.zeros((32, 32), np.float32)
    score[-4:, -4:] = 1
    assert is_found(judge(score, THRESHOLDS), Spot(319.0, 319.0, 1.0, 0.2), (320, 320))


def test_the_record_holds_no_nan() -> None:
    bright = np.full((64, 64, 3), 255, np.uint8)
    plan = Plan((8.0,), (0.4,), grid=1)
    found = measure(lambda frame: judge(np.zeros((32, 32), np.float32), THRESHOLDS), [bright], plan)
    assert found.as_dict()["rates"] == [[0.0]]  # the dark one was drawn
    found.drawn[:] = 0
    assert found.as_dict()["rates"] == [[None]]
    assert found.as_dict()["smallest_px"] == [None]


def test_the_picture_tells_found_from_not_found() -> None:
    plan = Plan((8.0, 12.0), (0.1, 0.3), grid=2)
    found = measure(known_inspector(least_change=0.2, blind=slice(0, 32)), [GOOD], plan)
    sheet = picture(found, GOOD, unit_per_px=0.5, unit="mm")
    panel = sheet[20:500, 520:1000].astype(int)  # the second contrast
    left, right = panel[60, 60], panel[60, 420]
    assert left[2] > left[1]  # reddish: not found
    assert right[1] > right[2]  # greenish: found
