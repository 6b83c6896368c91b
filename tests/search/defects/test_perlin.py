"""Perlin defects: where they are, what they look like, and that the mask tells the truth."""

import numpy as np
import pytest

from inspector.errors import RecipeError
from search.defects import PerlinDefects
from search.defects.perlin import blend


class OneTexture:
    """A texture source that always gives the same colour."""

    def __init__(self, colour=(10, 120, 250)):
        self._colour = colour

    def sample(self, rng, shape_hw):
        return np.full((*shape_hw, 3), self._colour, np.uint8)


@pytest.fixture
def frame():
    return np.random.default_rng(0).integers(60, 90, size=(48, 48, 3), dtype=np.uint8)


def _defects(**settings):
    return PerlinDefects(OneTexture(), **settings)


def test_blend_is_the_formula_of_the_source():
    frame = np.array([[[100, 50, 0], [100, 50, 0]]], np.uint8)
    texture = np.array([[[200, 0, 255], [200, 0, 255]]], np.uint8)
    mask = np.array([[1, 0]], np.uint8)
    result = blend(frame, texture, mask, share=0.25)
    assert result[0, 0].tolist() == [175, 12, 191]  # 175, 12.5 and 191.25: a half goes to the even level
    assert result[0, 1].tolist() == [100, 50, 0]


@pytest.mark.parametrize("share", [0.0, 0.31, 0.8, 1.0])
def test_blend_is_within_rounding_of_the_formula(frame, share):
    texture = 255 - frame
    mask = (frame[..., 0] > 75).astype(np.uint8)
    M = mask[..., None].astype(float)
    expected = (1 - M) * frame + M * ((1 - share) * texture + share * frame)
    assert np.abs(blend(frame, texture, mask, share=share) - expected).max() <= 0.5 + 1e-4


def test_the_same_generator_gives_the_same_defect(frame):
    one, two, other = (_defects()(frame, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.frame, two.frame)
    np.testing.assert_array_equal(one.mask, two.mask)
    assert (one.mask != other.mask).any()


def test_only_masked_pixels_change_and_the_given_frame_stays(frame):
    before = frame.copy()
    style = _defects(
        blend_max=0.0, num_augmentations=0
    )  # the fill is far from the frame, so that all of it shows
    num_defective = 0
    for seed in range(20):
        changed, mask = style(frame, np.random.default_rng(seed))
        np.testing.assert_array_equal((changed != frame).any(axis=2), mask == 1)
        num_defective += int(mask.any())
    assert num_defective >= 10
    np.testing.assert_array_equal(frame, before)


@pytest.mark.parametrize("shape_hw", [(48, 48), (33, 70), (100, 21), (1, 1), (2, 40)])
def test_any_size(shape_hw):
    frame = np.full((*shape_hw, 3), 128, np.uint8)
    for seed in range(10):
        changed, mask = _defects()(frame, np.random.default_rng(seed))
        assert changed.shape == frame.shape
        assert mask.shape == shape_hw
        assert changed.dtype == mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 1}


def test_defects_reach_all_parts_of_a_long_frame():
    # Rotating a map of the frame's own shape left the ends of long frames without a defect.
    masks = [_defects().draw_mask((16, 96), np.random.default_rng(seed)) for seed in range(200)]
    per_column = np.mean(masks, axis=(0, 1))
    assert per_column.min() > 0.01


def test_an_empty_mask_gives_a_copy_of_the_frame(frame):
    changed, mask = _defects(threshold=1.0)(frame, np.random.default_rng(0))
    assert not mask.any()
    np.testing.assert_array_equal(changed, frame)
    assert not np.shares_memory(changed, frame)


def test_a_higher_threshold_gives_smaller_defects():
    areas = [
        np.mean(
            [_defects(threshold=t).draw_mask((64, 64), np.random.default_rng(s)).mean() for s in range(60)]
        )
        for t in (0.3, 0.5, 0.7)
    ]
    assert areas[0] > areas[1] > areas[2] > 0.0


def test_the_scale_bounds_how_many_blobs_there_are():
    cv2 = pytest.importorskip("cv2")

    def num_blobs(exponent):
        masks = (
            _defects(max_scale_exponent=exponent).draw_mask((64, 64), np.random.default_rng(s))
            for s in range(30)
        )
        return np.mean([cv2.connectedComponents(mask)[0] - 1 for mask in masks])

    assert num_blobs(0) <= 2.0  # a single cell
    assert num_blobs(5) > 3 * num_blobs(0)


def test_noise_that_is_not_rotated_reaches_the_corners():
    def corner_share(rotate_noise):
        style = _defects(rotate_noise=rotate_noise, max_scale_exponent=3)
        masks = np.stack([style.draw_mask((32, 32), np.random.default_rng(s)) for s in range(150)])
        return masks[:, :4, :4].mean()

    assert corner_share(False) > 1.5 * corner_share(True)


def test_the_fill_of_a_gray_frame_is_gray_unless_told_otherwise():
    gray = np.repeat(np.random.default_rng(0).integers(90, 99, size=(40, 40, 1), dtype=np.uint8), 3, axis=2)

    def colourful(style):
        frames = (style(gray, np.random.default_rng(seed)).frame.astype(int) for seed in range(20))
        return any((f.max(axis=2) != f.min(axis=2)).any() for f in frames)

    assert not colourful(_defects())
    assert colourful(_defects(keep_gray=False))


def test_the_fill_of_a_coloured_frame_keeps_its_colour(frame):
    style = _defects(blend_max=0.0, num_augmentations=0)
    changed, mask = next(
        d for d in (style(frame, np.random.default_rng(s)) for s in range(9)) if d.mask.any()
    )
    assert changed[mask == 1].tolist()[0] == [10, 120, 250]


@pytest.mark.parametrize(
    ("name", "value"),
    [("blend_max", 1.01), ("blend_max", -0.1), ("max_scale_exponent", 11), ("threshold", 1.5)],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(RecipeError, match=rf"{name} of the perlin defects is {value}; choose"):
        _defects(**{name: value})
