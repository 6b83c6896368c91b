"""Cursors that are ours and those that are not; bins of scores."""

from __future__ import annotations

import pytest

from edge_app.store.filters import Key, ResultFilter, decode_cursor, encode_cursor, score_bin, score_bits
from inspector.errors import InputError


@pytest.mark.parametrize("key", [(0, 0), (1_795_521_600_000, 17), (-1, 2**63 - 1)])
def test_a_cursor_gives_back_its_key(key: tuple[int, int]) -> None:
    assert decode_cursor(encode_cursor(key)) == Key(*key)


GOOD = encode_cursor((1_795_521_600_000, 17))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "…",
        GOOD[:-1],
        GOOD + "A",
        GOOD + "=",
        "A" + GOOD[1:],
        GOOD.swapcase(),
        "MS4y",
        " " + GOOD,
        "%00",
        "9" * 5000,
    ],
)
def test_another_text_is_no_cursor(cursor: str) -> None:
    with pytest.raises(InputError, match="is not a cursor of this server"):
        decode_cursor(cursor)


def test_a_key_that_sqlite_cannot_hold_is_no_cursor() -> None:
    with pytest.raises(InputError, match="is not a cursor of this server"):
        decode_cursor(encode_cursor((2**63, 1)))


@pytest.mark.parametrize(
    ("score", "number"), [(0, 0), (1 / 32, 1), (0.0312, 0), (1.0, 31), (1.5, 31), (-1, 0)]
)
def test_bins_of_scores(score: float, number: int) -> None:
    assert score_bin(score) == number


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(None, None, 2**32 - 1), (0.5, None, 0xFFFF0000), (None, 0.0, 1), (0.04, 0.07, 0b110), (0.9, 0.1, 0)],
)
def test_bits_of_a_range(low: float | None, high: float | None, bits: int) -> None:
    assert score_bits(low, high) == bits


def test_an_unknown_decision_is_refused() -> None:
    with pytest.raises(
        InputError, match="decision is 'maybe'; choose one of good, defect, unsure, none, any"
    ):
        ResultFilter(decision="maybe")
