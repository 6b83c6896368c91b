"""A region of a mask as a word of a patch."""

from __future__ import annotations

import numpy as np
import pytest

from inspector.errors import InputError
from search.labels.mask_region import ADD, REMOVE, read_region, region_of


def test_a_word_gives_the_region_back() -> None:
    mask = (np.random.default_rng(0).random((40, 50)) > 0.6).astype(np.uint8)
    mask[:5], mask[:, :7] = 0, 0
    region = region_of(ADD, mask)
    again = read_region(region.word())
    assert (again.action, again.top, again.left) == (region.action, region.top, region.left)
    assert np.array_equal(again.pixels, region.pixels)
    assert np.array_equal(again.applied_to(np.zeros((40, 50), np.uint8)), mask)


def test_removing_leaves_the_rest() -> None:
    mask = np.ones((10, 10), np.uint8)
    spot = np.zeros((10, 10), np.uint8)
    spot[2:4, 5:8] = 1
    assert np.array_equal(region_of(REMOVE, spot).applied_to(mask), mask - spot)
    assert mask.all()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("crack", "is no region"),
        ("add 2x2+0+0 AAAA", "is damaged"),
        ("add 0x2+0+0 AAAA", "from 1 to"),
        ("add 999999x999999+0+0 AAAA", "from 1 to"),
    ],
)
def test_a_damaged_word_is_refused(word: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_region(word)


def test_a_region_outside_the_mask_is_refused() -> None:
    region = region_of(ADD, np.ones((5, 5), np.uint8))
    with pytest.raises(InputError, match="does not lie inside a mask of 4 x 4"):
        region.applied_to(np.zeros((4, 4), np.uint8))
