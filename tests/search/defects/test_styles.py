"""What every style promises: the same answer to the same generator, a true mask, frames of any size."""

import pickle

import numpy as np
import pytest

from search.defects import ProceduralTextures, sample_rng, synthesise
from search.defects.choose import STYLES, make_style
from search.recipe import DefectsRecipe

ALL = [*STYLES, "mixed", "joint"]
SHAPES = [(48, 48), (33, 70), (97, 24), (1, 1), (2, 40), (3, 3)]


@pytest.fixture(scope="module")
def photos():
    return [_part(seed, (48, 64)) for seed in range(4)]


def _part(seed, shape_hw):
    """A coloured surface with a grain, beside a dark background: something for every style to change."""
    rng = np.random.default_rng(seed)
    frame = rng.integers(110, 140, size=(*shape_hw, 3), dtype=np.uint8)
    frame[:, : shape_hw[1] // 4] //= 4
    return frame


def _style(name, photos, **settings):
    recipe = DefectsRecipe(style=name, **settings)
    return make_style(recipe, ProceduralTextures(0, num_textures=4), photos)


def _draw(style, frame, seeds):
    return [style(frame, np.random.default_rng(seed)) for seed in seeds]


@pytest.mark.parametrize("name", ALL)
def test_the_same_generator_gives_the_same_defect(name, photos):
    frame = photos[0]
    style = _style(name, photos)
    first = _draw(style, frame, range(12))
    again = _draw(style, frame, reversed(range(12)))[::-1]  # another order: nothing is kept between calls
    elsewhere = _draw(pickle.loads(pickle.dumps(style)), frame, range(12))  # as in a worker process
    for one, two, three in zip(first, again, elsewhere, strict=True):
        np.testing.assert_array_equal(one.frame, two.frame)
        np.testing.assert_array_equal(one.mask, two.mask)
        np.testing.assert_array_equal(one.frame, three.frame)
        np.testing.assert_array_equal(one.mask, three.mask)
    assert len({defective.frame.tobytes() for defective in first}) > 8


@pytest.mark.parametrize("name", ALL)
def test_no_random_number_comes_from_elsewhere(name, photos):
    style = _style(name, photos)
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    _draw(style, photos[0], range(6))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", ALL)
def test_only_masked_pixels_change(name, photos):
    num_defective = 0
    for seed, (changed, mask) in enumerate(_draw(_style(name, photos), photos[1], range(60))):
        differs = (changed != photos[1]).any(axis=2)
        assert not differs[mask == 0].any(), seed
        num_defective += bool(mask.any())
        if mask.any():
            assert differs[mask == 1].mean() > 0.3, seed  # a mask of pixels that stayed would teach nothing
    assert num_defective > 40


@pytest.mark.parametrize("name", ALL)
def test_the_given_frame_and_the_donors_stay_as_they_were(name, photos):
    frames = [photo.copy() for photo in photos]
    for frame in frames:
        frame.setflags(write=False)
    for changed, _ in _draw(_style(name, frames), frames[0], range(30)):
        changed[:] = 0  # a new array, not a view of a donor
    for frame, photo in zip(frames, photos, strict=True):
        np.testing.assert_array_equal(frame, photo)


@pytest.mark.parametrize("shape_hw", SHAPES)
@pytest.mark.parametrize("name", ALL)
def test_any_size_even_with_donors_of_another(name, shape_hw, photos):
    frame = _part(9, shape_hw)
    for donors in (photos, []):
        for changed, mask in _draw(_style(name, donors), frame, range(25)):
            assert changed.shape == frame.shape
            assert mask.shape == shape_hw
            assert changed.dtype == mask.dtype == np.uint8
            assert set(np.unique(mask)) <= {0, 1}


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("name", ALL)
def test_a_frame_of_one_level_is_no_trouble(name, level):
    frame = np.full((40, 40, 3), level, np.uint8)
    found = _draw(_style(name, [frame]), frame, range(30))
    for changed, mask in found:
        assert not (changed != frame).any(axis=2)[mask == 0].any()
    assert any(mask.any() for _, mask in found)  # black can be brightened, white darkened


@pytest.mark.parametrize("name", ALL)
def test_a_gray_frame_gets_gray_defects(name):
    gray = np.repeat(np.random.default_rng(0).integers(90, 120, size=(40, 40, 1), dtype=np.uint8), 3, axis=2)
    for changed, _ in _draw(_style(name, [gray]), gray, range(40)):
        assert (changed.min(axis=2) == changed.max(axis=2)).all()


@pytest.mark.parametrize("name", ALL)
def test_a_coloured_frame_gets_some_coloured_change(name, photos):
    flat = np.full((40, 40, 3), (90, 120, 150), np.uint8)
    changes = [changed.astype(int) - flat for changed, _ in _draw(_style(name, photos), flat, range(60))]
    assert any((change.max(axis=2) != change.min(axis=2)).any() for change in changes)


@pytest.mark.parametrize("name", ALL)
def test_an_empty_mask_is_a_good_sample(name, photos):
    style = _style(name, photos)
    tiny = np.full((1, 1, 3), 127, np.uint8)
    samples = [
        synthesise(frame, style, sample_rng(seed=0, epoch=0, index=index), defect_probability=1.0)
        for frame in (photos[0], tiny)
        for index in range(40)
    ]
    for sample in samples:
        assert sample.is_good == (not sample.mask.any())
        if sample.is_good:
            np.testing.assert_array_equal(sample.frame, sample.target)


def test_each_style_of_a_mixture_draws_its_share(photos):
    frame = photos[0]
    style = _style("mixed", photos, shares={"cutout": 3.0, "scar": 1.0, "perlin": 0.0})
    alone = {name: _style(name, photos) for name in ("cutout", "scar")}
    counts = dict.fromkeys(alone, 0)
    for seed in range(400):
        drawn = style(frame, np.random.default_rng(seed))
        for name, one in alone.items():
            rng = np.random.default_rng(seed)
            rng.random()  # the mixture chose with this one
            counts[name] += (one(frame, rng).frame == drawn.frame).all()
    assert 270 <= counts["cutout"] <= 330
    assert counts["cutout"] + counts["scar"] == 400


def test_the_default_mixture_is_that_of_the_recipe():
    assert DefectsRecipe().shares == {"perlin": 35.0, "surface": 30.0}
