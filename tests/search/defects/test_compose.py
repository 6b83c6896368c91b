"""A training sample: input, target and mask lie on each other, and depend on (seed, epoch, index) alone."""

import numpy as np
import pytest

from search.defects import (
    Defective,
    PerlinDefects,
    ProceduralTextures,
    SyntheticSample,
    rotate_good,
    sample_rng,
    synthesise,
)


@pytest.fixture
def frame():
    return np.random.default_rng(0).integers(60, 200, size=(32, 40, 3), dtype=np.uint8)


def _square(frame, rng):
    """A style whose defect is always there: a white square."""
    changed, mask = frame.copy(), np.zeros(frame.shape[:2], np.uint8)
    changed[4:9, 4:9], mask[4:9, 4:9] = 255, 1
    return Defective(changed, mask)


def test_a_sample_depends_on_seed_epoch_and_index_alone(frame):
    keys = [(s, e, i) for s in (0, 1) for e in (0, 5) for i in range(6)]

    def draw(order):
        style = PerlinDefects(ProceduralTextures(0))  # as each worker would make its own
        return {k: synthesise(frame, style, sample_rng(seed=k[0], epoch=k[1], index=k[2])) for k in order}

    forward, backward = draw(keys), draw(reversed(keys))
    for key in keys:
        for a, b in zip(forward[key], backward[key], strict=True):
            np.testing.assert_array_equal(a, b)
    assert len({sample.frame.tobytes() for sample in forward.values()}) > len(keys) / 2


def test_input_and_target_differ_under_the_mask_alone(frame):
    style = PerlinDefects(ProceduralTextures(0))
    for index in range(30):
        sample = synthesise(frame, style, sample_rng(seed=0, epoch=0, index=index), rotate_probability=0.5)
        np.testing.assert_array_equal(sample.frame[sample.mask == 0], sample.target[sample.mask == 0])


def test_a_rotated_part_gets_its_defect_after_the_rotation(frame):
    sample = synthesise(
        frame, _square, np.random.default_rng(0), defect_probability=1.0, rotate_probability=1.0
    )
    assert (sample.target != frame).any()
    assert sample.frame[sample.mask == 1].min() == 255


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.5, 440, 560), (1.0, 1000, 1000)])
def test_as_many_samples_are_defective_as_asked_for(probability, low, high):
    tiny = np.zeros((10, 10, 3), np.uint8)
    samples = (
        synthesise(tiny, _square, sample_rng(seed=0, epoch=0, index=i), defect_probability=probability)
        for i in range(1000)
    )
    assert low <= sum(not sample.is_good for sample in samples) <= high


@pytest.mark.parametrize(("probability", "low", "high"), [(0.0, 0, 0), (0.3, 250, 350), (1.0, 1000, 1000)])
def test_as_many_frames_are_rotated_as_asked_for(frame, probability, low, high):
    small = frame[:8, :8]
    rngs = (np.random.default_rng(seed) for seed in range(1000))
    rotated = sum((rotate_good(small, rng, probability=probability) != small).any() for rng in rngs)
    assert low <= rotated <= high


def test_the_corners_of_a_rotated_frame_are_black_or_mirrored():
    bright = np.full((30, 30, 3), 200, np.uint8)
    rng = np.random.default_rng(1)
    assert rotate_good(bright, rng, probability=1.0).min() == 0
    assert rotate_good(bright, rng, probability=1.0, border="mirror").min() == 200


def test_an_empty_mask_counts_as_a_good_sample(frame):
    style = PerlinDefects(ProceduralTextures(0), threshold=1.0)
    sample = synthesise(frame, style, np.random.default_rng(0), defect_probability=1.0)
    assert sample.is_good
    np.testing.assert_array_equal(sample.frame, sample.target)


def test_a_single_defective_pixel_is_not_good(frame):
    mask = np.zeros(frame.shape[:2], np.uint8)
    mask[3, 3] = 1
    assert not SyntheticSample(frame, frame, mask).is_good


def test_the_given_frame_is_never_written(frame):
    before = frame.copy()
    for index in range(20):
        sample = synthesise(frame, _square, np.random.default_rng(index))
        sample.frame[:] = 0  # a reader of the sample may do with it what he likes
    np.testing.assert_array_equal(frame, before)
