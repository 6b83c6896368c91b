"""Regions of interest, ignored areas and tiles score as the whole frame would, and lie where they belong."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from inspector.errors import InputError
from inspector.postprocess import Thresholds, Verdict, judge, smoothing_window
from inspector.preprocess import resize_frame
from inspector.tiling import (
    PLAIN,
    Tiles,
    View,
    blend_weights,
    inspect_view,
    lay_out,
    score_view,
    tile_starts,
)

INPUT_HW = (32, 48)
LIMITS = Thresholds(fail=0.5, review=0.25, min_area_px=4)
FULL = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def brightness_score(frame: np.ndarray) -> np.ndarray:
    """A network without a field of view: the score is the brightness of the pixel."""
    return np.asarray(resize_frame(frame, size_hw=INPUT_HW).mean(axis=2) / 255, dtype=np.float32)


def shy_score(frame: np.ndarray) -> np.ndarray:
    """A network that sees a bright blob only where it is whole: none that its input cuts off."""
    bright = (resize_frame(frame, size_hw=INPUT_HW)[:, :, 0] > 127).astype(np.uint8)
    num_labels, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    score = np.zeros(INPUT_HW, np.float32)
    for label in range(1, num_labels):
        x, y, width, height, _ = stats[label]
        if x > 0 and y > 0 and x + width < INPUT_HW[1] and y + height < INPUT_HW[0]:
            score[labels == label] = 1
    return score


def dark_frame(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 20, np.uint8)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "view",
    [
        None,
        PLAIN,
        View(roi=FULL),
        View(tiles=Tiles(size_px=96)),  # one tile, exactly the frame
        View(tiles=Tiles(size_px=500)),  # a tile larger than the frame
    ],
)
def test_one_piece_that_covers_everything_is_plain_scoring_to_the_bit(view: View | None) -> None:
    frame = noise(96, 144)
    score, layout = score_view(brightness_score, frame, view, input_hw=INPUT_HW)
    plain = brightness_score(frame)
    np.testing.assert_array_equal(score, plain)
    ours, theirs = layout.judge(score, LIMITS), judge(plain, LIMITS)
    assert (ours.verdict, ours.image_score) == (theirs.verdict, theirs.image_score)
    ours, theirs = layout.to_frame(ours), theirs.scaled_to((96, 144))
    assert ours.regions == theirs.regions
    np.testing.assert_array_equal(ours.mask, theirs.mask)


@pytest.mark.parametrize("overlap", [0.0, 0.1, 0.25, 0.5])
@pytest.mark.parametrize("size_hw", [(32, 48), (33, 49), (100, 130), (64, 48), (31, 200)])
def test_tiles_of_a_network_without_a_field_of_view_make_the_whole_map(
    size_hw: tuple[int, int], overlap: float
) -> None:
    frame = noise(*size_hw)
    score, layout = score_view(brightness_score, frame, View(tiles=Tiles(overlap=overlap)), input_hw=INPUT_HW)
    whole = resize_frame(frame, size_hw=layout.map_hw).mean(axis=2) / 255
    np.testing.assert_allclose(score, whole, atol=1e-6)


@pytest.mark.parametrize("start", range(1, 59))
def test_a_seam_does_not_dim_a_defect(start: int) -> None:
    """Tiles begin at 0 and 16: whatever a blob's place, every tile that has a say there sees it whole."""
    frame = dark_frame(32, 64)
    frame[12:16, start : start + 4] = 250
    score, _ = score_view(shy_score, frame, View(tiles=Tiles(overlap=0.5)), input_hw=INPUT_HW)
    np.testing.assert_allclose(score[12:16, start : start + 4], 1, atol=1e-6)


def test_plain_averaging_would_have_dimmed_it() -> None:
    """The test above can fail: cut off at a seam, the blob is not seen by the tile alone."""
    frame = dark_frame(32, 64)
    frame[12:16, 46:50] = 250
    assert shy_score(frame[:, :48])[12:16, 46:48].max() == 0


@pytest.mark.parametrize(
    ("length", "side", "overlap", "starts"),
    [
        (48, 48, 0.25, [0]),
        (49, 48, 0.25, [0, 1]),
        (84, 48, 0.25, [0, 36]),
        (85, 48, 0.25, [0, 18, 37]),
        (96, 48, 0.0, [0, 48]),
        (97, 48, 0.0, [0, 24, 49]),
        (8, 8, 0.5, [0]),
        (3, 1, 0.5, [0, 1, 2]),
    ],
)
def test_tile_starts(length: int, side: int, overlap: float, starts: list[int]) -> None:
    assert tile_starts(length, side, overlap) == starts


@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("length", [48, 49, 71, 96, 300])
def test_the_say_of_all_tiles_is_one_at_each_pixel(length: int, overlap: float) -> None:
    weights = blend_weights(tile_starts(length, 48, overlap), 48, overlap)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-6)
    assert (weights >= 0).all()


def test_a_tile_has_no_say_next_to_a_seam() -> None:
    weights = blend_weights([0, 24], 48, 0.5)  # overlap of 24 px: no say within 6 px of the seam
    assert weights[0, :30].min() == 1
    assert weights[0, 42:].max() == 0
    assert weights[1, :30].max() == 0


@pytest.mark.parametrize("tiles", [None, Tiles(overlap=0.5), Tiles(size_px=64)])
def test_nothing_outside_the_region_or_in_an_ignored_area_counts(tiles: Tiles | None) -> None:
    triangle = ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9))
    hole = ((0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.4))
    frame = np.full((200, 300, 3), 255, np.uint8)  # everything is a defect
    points = [
        np.array([(x * 300 - 0.5, y * 200 - 0.5) for x, y in p]).round().astype(np.int32)
        for p in (triangle, hole)
    ]
    inside = cv2.fillPoly(np.zeros((200, 300), np.uint8), [points[0]], 1)
    cv2.fillPoly(inside, [points[1]], 0)
    frame[inside == 1] = 0  # except where it counts
    answer = inspect_view(
        brightness_score, frame, View(triangle, (hole,), tiles), thresholds=LIMITS, input_hw=INPUT_HW
    )
    assert answer.judgement.verdict is Verdict.PASS
    assert answer.judgement.image_score == pytest.approx(0, abs=1e-6)
    assert answer.score.max() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("tiles", [None, Tiles(overlap=0.5), Tiles(size_px=64)])
def test_a_defect_beside_an_ignored_area_is_not_dimmed(tiles: Tiles | None) -> None:
    frame = dark_frame(160, 240)
    frame[40:80, 100:140] = 250
    hole = ((140 / 240, 0.0), (1.0, 0.0), (1.0, 1.0), (140 / 240, 1.0))
    view = View(ignore=(hole,), tiles=tiles)
    answer = inspect_view(brightness_score, frame, view, thresholds=LIMITS, input_hw=INPUT_HW)
    assert answer.judgement.verdict is Verdict.FAIL
    assert answer.judgement.image_score == pytest.approx(250 / 255, abs=0.02)


def test_regions_of_a_tiled_view_lie_in_pixels_of_the_frame() -> None:
    frame = dark_frame(400, 600)
    frame[250:270, 400:430] = 250
    roi = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))
    view = View(roi=roi, tiles=Tiles(overlap=0.25))
    answer = inspect_view(brightness_score, frame, view, thresholds=LIMITS, input_hw=INPUT_HW)
    assert answer.layout.map_hw == (200, 300)  # one map pixel a frame pixel
    (region,) = answer.layout.to_frame(answer.judgement).regions
    assert abs(region.x - 400) <= 1
    assert abs(region.y - 250) <= 1
    assert abs(region.width - 30) <= 2
    assert abs(region.height - 20) <= 2
    assert region.contour[0][0] >= 399
    whole = answer.layout.to_frame(answer.judgement).mask
    assert whole.shape == (400, 600)
    assert whole[250:270, 400:430].mean() > 0.9
    assert whole[:200].max() == 0
    drawn = answer.layout.score_on_frame(answer.score)
    assert drawn.shape == (400, 600)
    assert drawn[260, 415] == pytest.approx(250 / 255, abs=1e-3)
    assert drawn[:200].max() == 0


def test_the_window_and_the_least_area_are_those_of_one_tile() -> None:
    """A defect of one network input's scale fails, however large the picture around it is."""
    side = smoothing_window(INPUT_HW)
    assert side < smoothing_window((320, 480))
    frame = dark_frame(320, 480)
    frame[100 : 100 + side + 2, 200 : 200 + side + 2] = 250
    answer = inspect_view(brightness_score, frame, View(tiles=Tiles()), thresholds=LIMITS, input_hw=INPUT_HW)
    assert answer.judgement.image_score == pytest.approx(250 / 255, abs=0.01)
    assert answer.judgement.verdict is Verdict.FAIL
    assert judge(answer.score, LIMITS).verdict is Verdict.PASS  # with the window of a 320x480 input


def test_tiles_where_nothing_counts_are_not_scored() -> None:
    calls = []

    def counted(frame: np.ndarray) -> np.ndarray:
        calls.append(frame.shape)
        return brightness_score(frame)

    view = View(ignore=(LEFT_HALF,), tiles=Tiles(overlap=0.0))
    score_view(counted, dark_frame(32, 480), view, input_hw=INPUT_HW)
    assert len(calls) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: View(roi=((0, 0), (1, 1))), "has 2 points; a polygon has 3 to 256"),
        (lambda: View(roi=((0, 0), (1, 1), (2, 0))), r"a point outside 0\.\.1"),
        (lambda: View(roi=((0, 0), (float("nan"), 1), (1, 0))), r"a point outside 0\.\.1"),
        (lambda: View(ignore=(((0, 0), (0.5, 0.5), (1, 1)),)), "area 1 to ignore has no inside"),
        (lambda: View(ignore=(FULL,) * 65), "65 areas to ignore; at most 64"),
        (lambda: Tiles(size_px=4), "4 px wide, but at least 8"),
        (lambda: Tiles(overlap=0.6), r"by 0\.6 of their side; give 0 to 0\.5"),
        (lambda: lay_out(View(ignore=(FULL,)), (100, 100), input_hw=INPUT_HW), "nothing is left to inspect"),
        (
            lambda: lay_out(View(roi=((0, 0), (0.01, 0), (0, 1))), (100, 100), input_hw=INPUT_HW),
            "1x100 px of a 100x100 frame; at least 8 px",
        ),
        (
            lambda: lay_out(View(tiles=Tiles(size_px=8)), (4000, 6000), input_hw=INPUT_HW),
            "tiles of 8 px are too small for 6000x4000 px",
        ),
    ],
)
def test_what_cannot_be_inspected_is_refused(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=message):
        make()


def test_a_view_is_the_same_after_json() -> None:
    view = View(LEFT_HALF, (FULL, LEFT_HALF), Tiles(size_px=64, overlap=0.3))
    assert View.of_record(view.as_record()) == view
    assert View.of_record(PLAIN.as_record()) == PLAIN
    assert PLAIN.is_plain
    assert not view.is_plain
