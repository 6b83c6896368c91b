import cv2
import numpy as np
import pytest

from inspector.errors import InputError, InspectorError
from inspector.postprocess import (
    Thresholds,
    Verdict,
    critical_threshold,
    default_min_area_px,
    image_score,
    judge,
    smooth,
    smoothing_window,
)

# Twelve pixels have a window of 1: the smoothed map is the map itself, so tables can be read as they stand.
UNSMOOTHED_HW = (12, 12)


def plateau(*, side, value, background=0.0, size_hw=UNSMOOTHED_HW):
    score = np.full(size_hw, background, np.float32)
    score[2 : 2 + side, 2 : 2 + side] = value
    return score


@pytest.mark.parametrize(
    ("size_hw", "window"),
    [
        ((256, 256), 21),
        ((128, 128), 11),
        ((64, 64), 5),
        ((512, 512), 41),
        ((256, 1024), 21),
        ((12, 12), 1),
        ((1, 1), 1),
    ],
)
def test_window_scales_with_the_shorter_side(size_hw, window):
    assert smoothing_window(size_hw) == window


@pytest.mark.parametrize(
    ("size_hw", "area_px"), [((256, 256), 4), ((512, 512), 16), ((128, 128), 1), ((16, 16), 1)]
)
def test_default_area_scales_with_the_input(size_hw, area_px):
    assert default_min_area_px(size_hw) == area_px


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_map_stays_constant(value):
    np.testing.assert_allclose(smooth(np.full((100, 60), value, np.float32)), value, atol=1e-6)


def test_smoothing_is_the_mean_of_the_window_inside():
    score = np.random.default_rng(0).random((128, 128)).astype(np.float32)
    window = score[40 - 5 : 40 + 6, 70 - 5 : 70 + 6]
    assert smooth(score)[40, 70] == pytest.approx(window.mean(), abs=1e-6)


def test_a_defect_at_the_border_is_not_dimmed_and_noise_there_not_raised():
    inside, border = np.zeros((2, 256, 256), np.float32)
    inside[100:140, 100:140] = 1
    border[0:40, 0:40] = 1
    assert image_score(border) == pytest.approx(image_score(inside))
    noise = np.zeros((256, 256), np.float32)
    noise[0, 0] = 1
    assert image_score(noise) <= 4.001 / 21**2


@pytest.mark.parametrize(
    ("value", "side", "verdict"),
    [
        (0.0, 3, Verdict.PASS),
        (0.25, 3, Verdict.PASS),  # not above review, only at it
        (0.26, 3, Verdict.REVIEW),
        (0.5, 3, Verdict.REVIEW),  # not above fail, only at it
        (0.51, 3, Verdict.FAIL),
        (1.0, 3, Verdict.FAIL),
        (1.0, 2, Verdict.PASS),  # 4 pixels of the 9 that it takes
        (0.4, 2, Verdict.PASS),
    ],
)
def test_verdict_at_the_boundaries(value, side, verdict):
    judgement = judge(plateau(side=side, value=value), Thresholds(0.5, 0.25, 9))
    assert judgement.verdict is verdict
    assert judgement.image_score == np.float32(value)
    assert len(judgement.regions) == int(judgement.mask.any()) == int(verdict is not Verdict.PASS)


def test_a_tenth_is_not_above_a_tenth():
    # 0.1 is no float32; comparing in double precision would put the map above its own threshold.
    assert judge(plateau(side=3, value=0.1), Thresholds(0.1, 0.1, 1)).verdict is Verdict.PASS


def test_a_small_core_in_a_large_halo_is_reviewed():
    score = plateau(side=6, value=0.3)
    score[4, 4] = 0.9
    judgement = judge(score, Thresholds(0.5, 0.25, 9))
    assert judgement.verdict is Verdict.REVIEW
    assert judgement.mask.sum() == 36
    assert judgement.image_score == np.float32(0.9)


def test_areas_add_up_only_where_pixels_touch_also_at_corners():
    thresholds = Thresholds(0.5, 0.5, 4)
    score = np.zeros(UNSMOOTHED_HW, np.float32)
    score[[2, 3, 4, 5], [2, 3, 4, 5]] = 1
    assert judge(score, thresholds).verdict is Verdict.FAIL
    score[4, 4] = 0
    assert judge(score, thresholds).verdict is Verdict.PASS


def test_regions_are_described_from_the_highest_peak_down():
    score = np.zeros((12, 14), np.float32)
    score[1:4, 1:6] = 0.6
    score[7:10, 8:10] = 0.8
    score[8, 9] = 0.9
    score[11, 0] = 1.0  # too small
    judgement = judge(score, Thresholds(0.5, 0.5, 2))
    first, second = judgement.regions
    assert (first.x, first.y, first.width, first.height, first.area_px) == (8, 7, 2, 3, 6)
    assert first.peak_score == pytest.approx(0.9)
    assert first.mean_score == pytest.approx((5 * 0.8 + 0.9) / 6)
    assert (second.x, second.y, second.width, second.height, second.area_px) == (1, 1, 5, 3, 15)
    assert set(second.contour) == {(1, 1), (5, 1), (5, 3), (1, 3)}
    assert judgement.mask.sum() == 21
    assert judgement.mask[11, 0] == 0


def test_a_ring_has_its_outer_contour_and_a_nested_region_its_own():
    score = np.zeros((20, 20), np.float32)
    score[2:18, 2:18] = 1
    score[4:16, 4:16] = 0
    score[9:11, 9:11] = 0.7
    ring, core = judge(score, Thresholds(0.5, 0.5, 1)).regions
    assert (ring.width, ring.height, ring.area_px) == (16, 16, 16 * 16 - 12 * 12)
    assert {point for point in ring.contour if 4 <= point[0] < 16 and 4 <= point[1] < 16} == set()
    assert (core.x, core.y, core.area_px) == (9, 9, 4)
    assert (ring.mean_score, core.mean_score) == (1.0, pytest.approx(0.7))


def test_a_hole_with_the_longer_contour_is_not_mistaken_for_the_outer_one():
    score = np.zeros((20, 20), np.float32)
    score[2:18, 2:18] = 1
    cv2.circle(score, (9, 9), 6, 0.0, cv2.FILLED)
    (region,) = judge(score, Thresholds(0.5, 0.5, 1)).regions
    assert set(region.contour) == {(2, 2), (17, 2), (17, 17), (2, 17)}


def test_regions_whose_boxes_overlap_keep_their_pixels():
    score = np.zeros(UNSMOOTHED_HW, np.float32)
    score[0:5, 5] = 0.6
    score[3:9, 2] = score[3:9, 8] = score[8, 2:9] = 0.8
    judgement = judge(score, Thresholds(0.5, 0.5, 1))
    np.testing.assert_array_equal(judgement.mask, score > 0)
    assert [region.area_px for region in judgement.regions] == [17, 5]


@pytest.mark.parametrize("scale", [(1, 1), (4, 4), (3, 7)])
def test_scaling_up_covers_the_same_part_of_the_frame(scale):
    score = plateau(side=3, value=0.9)
    score[8, 2:9] = 0.8
    judgement = judge(score, Thresholds(0.5, 0.5, 1))
    scaled = judgement.scaled_to((12 * scale[0], 12 * scale[1]))
    expected = np.kron(judgement.mask, np.ones(scale, np.uint8))
    np.testing.assert_array_equal(scaled.mask, expected)
    for region, large in zip(judgement.regions, scaled.regions, strict=False):
        box = expected[large.y : large.y + large.height, large.x : large.x + large.width]
        assert large.area_px == region.area_px * scale[0] * scale[1] == box.sum()
        for x, y in large.contour:
            assert expected[y, x] == 1
    assert scaled.verdict is judgement.verdict


@pytest.mark.parametrize("frame_hw", [(5, 5), (1, 1), (7, 30)])
def test_scaling_down_stays_inside_the_frame(frame_hw):
    score = np.zeros(UNSMOOTHED_HW, np.float32)
    score[11, 11] = score[0, 0] = 1
    scaled = judge(score, Thresholds(0.5, 0.5, 1)).scaled_to(frame_hw)
    assert scaled.mask.shape == frame_hw
    for region in scaled.regions:
        assert 0 <= region.x < region.x + region.width <= frame_hw[1]
        assert 0 <= region.y < region.y + region.height <= frame_hw[0]
        assert region.area_px >= 1
        assert all(0 <= x < frame_hw[1] and 0 <= y < frame_hw[0] for x, y in region.contour)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_map_that_is_not_finite_never_passes(bad):
    score = np.zeros((64, 64), np.float32)
    score[3, 3] = bad
    for function in (lambda: judge(score, Thresholds(0.5, 0.5, 1)), lambda: image_score(score)):
        with pytest.raises(InspectorError, match="1 of 4096 pixels of the score map are not finite"):
            function()


@pytest.mark.parametrize("shape", [(0, 4), (1, 8, 8), (8,)])
def test_a_map_of_another_shape_is_refused(shape):
    with pytest.raises(InspectorError, match="a score map must be"):
        judge(np.zeros(shape, np.float32), Thresholds(0.5, 0.5, 1))


@pytest.mark.parametrize(
    ("fail", "review", "area", "message"),
    [
        (0.5, 0.6, 1, "review is 0.6 and fail 0.5"),
        (1.1, 0.6, 1, "fail 1.1"),
        (0.5, -0.1, 1, "review is -0.1"),
        (float("nan"), 0.1, 1, "fail nan"),
        (0.5, 0.4, 0, "min_area_px is 0"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(fail, review, area, message):
    with pytest.raises(InputError, match=message):
        Thresholds(fail, review, area)


@pytest.mark.parametrize("min_area_px", [1, 2, 5, 40, 300, 32 * 32])
def test_an_image_is_rejected_exactly_below_its_critical_threshold(min_area_px):
    rng = np.random.default_rng(min_area_px)
    for _ in range(20):
        noise = rng.random((32, 32)).astype(np.float32)
        score = cv2.GaussianBlur(noise, (0, 0), 2) if rng.random() < 0.5 else np.round(noise * 4) / 4
        critical = critical_threshold(score, min_area_px=min_area_px)
        below = float(np.nextafter(np.float32(critical), np.float32(0)))
        assert judge(score, Thresholds(critical, critical, min_area_px)).verdict is Verdict.PASS
        assert judge(score, Thresholds(below, below, min_area_px)).verdict is Verdict.FAIL


def test_critical_threshold_of_one_pixel_is_the_image_score():
    score = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    assert critical_threshold(score, min_area_px=1) == image_score(score)


def test_an_area_beyond_the_map_is_refused():
    with pytest.raises(InputError, match="min_area_px is 145; it must be from 1 to the 144 px"):
        critical_threshold(np.zeros(UNSMOOTHED_HW, np.float32), min_area_px=145)


def test_a_map_where_every_pixel_counts_is_judged_as_without_a_mask() -> None:
    score = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    np.testing.assert_array_equal(smooth(score, counts=np.ones((64, 64), np.uint8)), smooth(score))
    np.testing.assert_array_equal(smooth(score, window=smoothing_window((64, 64))), smooth(score))


def test_pixels_that_do_not_count_neither_add_nor_take_away() -> None:
    score = np.full((64, 64), 0.25, np.float32)
    score[:, 32:] = 1
    counts = np.ones((64, 64), np.uint8)
    counts[:, 32:] = 0
    smoothed = smooth(score, counts=counts)
    np.testing.assert_allclose(smoothed[:, :32], 0.25, atol=0.02)
    assert smoothed[:, 32:].max() == 0


def test_a_sliver_between_ignored_areas_does_not_blow_up_a_pixel() -> None:
    """Where less than half of the window counts the average is over half of it, not over one pixel."""
    score = np.zeros((64, 64), np.float32)
    score[30, 30] = 1
    counts = np.zeros((64, 64), np.uint8)
    counts[:, 30] = 1
    window = smoothing_window((64, 64))
    assert smooth(score, counts=counts).max() == pytest.approx(1 / window**2 / 0.5, rel=1e-3)
