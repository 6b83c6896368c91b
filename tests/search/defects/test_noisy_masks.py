"""Wrong masks change what is taught, never what is shown, and only as often as asked for."""

from __future__ import annotations

import numpy as np
import pytest

from search.defects import PerlinDefects, ProceduralTextures
from search.defects.noisy_masks import NoisyMasks
from search.defects.style import Defective, Frame
from search.labels.mask_noise import MASK_NOISE
from tests.conftest import draw_part

KINDS = tuple(MASK_NOISE)
FRAME: Frame = draw_part(0, (48, 48))
PLAIN = PerlinDefects(ProceduralTextures(0, num_textures=2))


def draw(share: float, seed: int) -> Defective:
    return NoisyMasks(PLAIN, share, KINDS, 0.1)(FRAME, np.random.default_rng(seed))


def test_frames_are_those_of_the_style_and_only_masks_differ() -> None:
    num_wrong = 0
    for seed in range(30):
        plain, noisy = PLAIN(FRAME, np.random.default_rng(seed)), draw(1.0, seed)
        assert np.array_equal(plain.frame, noisy.frame)
        num_wrong += not np.array_equal(plain.mask, noisy.mask)
    assert num_wrong >= 25  # an empty mask stays empty


@pytest.mark.parametrize(("share", "fewest", "most"), [(0.0, 0, 0), (0.4, 20, 60)])
def test_as_many_masks_are_wrong_as_asked_for(share: float, fewest: int, most: int) -> None:
    drawn = ((PLAIN(FRAME, np.random.default_rng(seed)), draw(share, seed)) for seed in range(100))
    num_wrong = sum(not np.array_equal(plain.mask, noisy.mask) for plain, noisy in drawn)
    assert fewest <= num_wrong <= most


def test_a_mask_that_is_empty_stays_so() -> None:
    def nothing(frame: Frame, rng: np.random.Generator) -> Defective:
        return Defective(frame, np.zeros(frame.shape[:2], np.uint8))

    for seed in range(10):
        assert not NoisyMasks(nothing, 1.0, ("extra",), 0.1)(FRAME, np.random.default_rng(seed)).mask.any()
