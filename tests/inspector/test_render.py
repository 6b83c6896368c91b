import cv2
import numpy as np
import pytest

from inspector.errors import InspectorError
from inspector.postprocess import Thresholds, judge
from inspector.render import (
    TRUTH_COLOUR,
    VERDICT_COLOURS,
    Tile,
    contact_sheet,
    encode_jpeg,
    encode_png,
    heat_map,
    overlay,
)

THRESHOLDS = Thresholds(0.5, 0.2, 1)
LEVELS = {"PASS": 0.0, "REVIEW": 0.4, "FAIL": 1.0}


def gray_frame(height, width, level=128):
    return np.full((height, width, 3), level, np.uint8)


def spot(value, *, size=64):
    score = np.zeros((size, size), np.float32)
    score[size // 2 : size * 3 // 4, size // 2 : size * 3 // 4] = value
    return score


def test_heat_map_gets_brighter_with_the_score():
    picture = heat_map(np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis])
    assert picture.shape == (1, 256, 3)
    luminance = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[0].astype(int)
    assert luminance[0] < 5
    assert luminance[-1] > 230
    assert np.diff(luminance).min() >= -1


def test_overlay_leaves_the_frame_alone_where_the_score_is_low():
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    before = frame.copy()
    picture = overlay(frame, spot(1.0))
    np.testing.assert_array_equal(picture[:30], frame[:30])
    assert (picture[34:46, 34:46] != frame[34:46, 34:46]).any()
    np.testing.assert_array_equal(frame, before)
    np.testing.assert_array_equal(overlay(frame, spot(0.09)), frame)


def test_overlay_is_stronger_where_the_score_is_higher_and_alpha_limits_it():
    frame = gray_frame(64, 64)

    def change(value, **options):
        return np.abs(overlay(frame, spot(value), **options).astype(int) - 128)[40, 40].max()

    assert change(0.1) == 0 < change(0.2) < change(0.5) < change(1.0)
    assert change(1.0, alpha=0.0) == 0


@pytest.mark.parametrize("verdict", ["PASS", "REVIEW", "FAIL"])
@pytest.mark.parametrize(
    ("height", "width", "level"),
    [(64, 64, 0), (64, 64, 255), (64, 200, 128), (256, 256, 0), (256, 256, 255), (1500, 2000, 128)],
)
def test_badge_of_the_verdict_is_there_and_small(height, width, level, verdict):
    score = spot(LEVELS[verdict])
    judgement = judge(score, THRESHOLDS)
    assert judgement.verdict.value == verdict
    frame = gray_frame(height, width, level)
    changed = (overlay(frame, score, judgement=judgement, alpha=0.0) != frame).any(axis=2)
    changed[height // 3 :] = False  # the contours are further down
    ys, xs = np.nonzero(changed)
    assert ys.max() < height / 3
    assert ys.max() >= 7
    assert xs.max() < 0.8 * width
    picture = overlay(frame, score, judgement=judgement)
    assert tuple(picture[1, 1]) == VERDICT_COLOURS[judgement.verdict]


@pytest.mark.parametrize("side", [64, 1024])
def test_contours_follow_the_regions_at_the_size_of_the_frame(side):
    score = spot(1.0)
    judgement = judge(score, THRESHOLDS)
    picture = overlay(gray_frame(side, side), score, judgement=judgement, alpha=0.0)
    mask = judgement.scaled_to((side, side)).mask
    reach = np.ones((3 + side // 32, 3 + side // 32), np.uint8)
    near_edge = cv2.dilate(mask, reach) - cv2.erode(mask, reach)
    touched = (picture != 128).any(axis=2)
    touched[: side // 3] = False  # the badge
    assert touched.any()
    assert not touched[near_edge == 0].any()
    at_frame_size = judgement.scaled_to((side, side))
    again = overlay(gray_frame(side, side), score, judgement=at_frame_size, alpha=0.0)
    np.testing.assert_array_equal(picture, again)


def test_contact_sheet_puts_tiles_in_equal_cells_on_white():
    tiles = [Tile(gray_frame(*size, level=0)) for size in ((100, 100), (300, 100), (20, 80), (64, 64))]
    sheet = contact_sheet(tiles, columns=3, cell_px=96)
    ink = sheet[..., 0] < 128
    assert sheet.shape[1] == 3 * 96 + 4 * 4
    columns = np.flatnonzero(ink.any(axis=0))
    assert columns.min() == 4
    assert columns.max() == 4 + 2 * 100 + 95
    assert ink[4 : 4 + 96, 4 : 4 + 96].all()
    assert ink[4 : 4 + 96, 104 : 104 + 96].sum() == 96 * 32  # one third as wide as high
    assert ink[4 : 4 + 96, 204 : 204 + 96].sum() == 96 * 24
    assert ink.sum() == 96 * (96 + 32 + 24 + 96)


def test_captions_are_cut_to_their_cell():
    blank = gray_frame(64, 64, level=255)
    text = "a very long caption that does not fit into one cell at all, with a µ"
    sheet = contact_sheet([Tile(blank, text), Tile(blank)], columns=2, cell_px=128)
    ink = np.flatnonzero((sheet < 128).any(axis=(0, 2)))
    assert ink.size > 0
    assert ink.max() < 5 + 128


def test_true_mask_is_outlined_and_not_filled():
    mask = np.zeros((64, 64), np.uint8)
    mask[16:48, 16:48] = 1
    cell = contact_sheet([Tile(gray_frame(64, 64), "", mask)], columns=1, cell_px=128)[5:133, 5:133]
    np.testing.assert_allclose(cell[32, 64], TRUTH_COLOUR, atol=40)  # the line is anti-aliased
    assert tuple(cell[64, 64]) == (128, 128, 128)
    assert tuple(cell[10, 10]) == (128, 128, 128)


@pytest.mark.parametrize(("num", "columns", "cell_px"), [(0, 1, 64), (1, 0, 64), (1, 1, 8)])
def test_a_sheet_of_nothing_is_refused(num, columns, cell_px):
    with pytest.raises(InspectorError, match="contact sheet needs"):
        contact_sheet([Tile(gray_frame(8, 8))] * num, columns=columns, cell_px=cell_px)


def test_png_gives_back_every_pixel_and_jpeg_gets_smaller():
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    png = cv2.imdecode(np.frombuffer(encode_png(frame), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(png, frame)
    assert encode_jpeg(frame)[:2] == b"\xff\xd8"
    assert len(encode_jpeg(frame, quality=20)) < len(encode_jpeg(frame, quality=95))


def test_what_is_no_picture_cannot_be_encoded():
    with pytest.raises(InspectorError, match="cannot write a picture"):
        encode_png(np.zeros((0, 0, 3), np.uint8))
