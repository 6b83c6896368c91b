"""Score maps come back bit for bit, and damaged files are refused."""

from __future__ import annotations

import numpy as np
import pytest

from edge_app.store.score_map import decode_score, encode_score, largest_file
from inspector.errors import InputError

RNG = np.random.default_rng(1)
MAPS = {
    "noise": RNG.random((64, 48), dtype=np.float32),
    "flat": np.full((64, 64), 0.25, np.float32),
    "few values": (RNG.integers(0, 255, (64, 64)) / 255).astype(np.float32),
    "tiny": np.array([[1e-42, -0.0], [np.inf, np.nan]], np.float32),
    "one": np.ones((1, 1), np.float32),
    "not contiguous": RNG.random((64, 64), dtype=np.float32).T[::2],
}


@pytest.mark.parametrize("name", MAPS)
def test_every_bit_comes_back(name: str) -> None:
    score = MAPS[name]
    back = decode_score(encode_score(score))
    assert (back.dtype, back.shape) == (np.float32, score.shape)
    assert back.tobytes() == np.ascontiguousarray(score).tobytes()


def test_zeros_may_follow_a_map_in_its_file() -> None:
    score = MAPS["noise"]
    assert decode_score(encode_score(score) + bytes(1000)).tobytes() == score.tobytes()


def test_no_file_is_larger_than_said() -> None:
    assert all(len(encode_score(score)) <= largest_file(score.shape) for score in MAPS.values())


def test_what_repeats_gets_small() -> None:
    assert len(encode_score(MAPS["flat"])) < MAPS["flat"].nbytes / 50


WHOLE = encode_score(MAPS["noise"])
FLAT = encode_score(MAPS["flat"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:20],
        WHOLE[:-1],
        WHOLE + b"x",
        b"VIS0" + WHOLE[4:],
        WHOLE[:4] + b"\xff" * 8 + WHOLE[12:],
        FLAT[:-4] + b"\0\0\0\0",
        FLAT[:4] + b"\x41\0\0\0" + FLAT[8:],  # another number of rows
    ],
)
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"score map of .* bytes is damaged"):
        decode_score(data)
