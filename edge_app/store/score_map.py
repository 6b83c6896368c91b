"""A score map as a small file that gives back every float32 exactly.

The four bytes of the values are kept apart. Signs and exponents of neighbours are alike and compress well,
the bytes of a mantissa are often noise: such a part is stored as it is, after a look at a sample of it. The
answer waits for this. So only runs are looked for (Z_RLE), which takes half the time, and a part has to
shrink to three fifths: the upper bytes of a mantissa took as long as all other parts together, for a seventh
of the file.
"""

import struct
import zlib
from typing import Tuple

import numpy as np

from inspector.errors import InputError

MAGIC = b"VIS1"
HEADER = struct.Struct("<4sII4I")  # magic, rows, columns, bytes of the four parts
MAX_PX = 64 * 2**20
SAMPLE_BYTES = 1024
WORTH = 0.6  # a sample that does not shrink to this is left alone


def encode_score(score: np.ndarray) -> bytes:
    """Return the file for a float32 map (H, W)."""
    values = np.ascontiguousarray(score, "<f4").reshape(-1).view(np.uint8).reshape(-1, 4)
    parts = [_packed(values[:, index].tobytes()) for index in range(4)]
    return HEADER.pack(MAGIC, *score.shape, *map(len, parts)) + b"".join(parts)


def largest_file(map_hw: Tuple[int, int]) -> int:
    """Return how many bytes the file of a map (H, W) has at most."""
    return HEADER.size + 4 * map_hw[0] * map_hw[1]


def decode_score(data: bytes) -> np.ndarray:
    """Return the map, float32 (H, W), bit for bit as it was stored; zeros may follow it in the file.

    Raises:
        InputError: the file is damaged.
    """
    try:
        magic, height, width, *lengths = HEADER.unpack_from(data)
        end = HEADER.size + sum(lengths)
        if magic != MAGIC or height * width > MAX_PX or end > len(data) or data[end:].strip(b"\0"):
            raise ValueError("not a score map, or cut short")
        values = np.empty((height * width, 4), np.uint8)
        start = HEADER.size
        for index, length in enumerate(lengths):
            values[:, index] = _unpacked(data[start : start + length], height * width)
            start += length
        return values.view("<f4").reshape(height, width).astype(np.float32, copy=False)
    except (struct.error, zlib.error, ValueError) as error:
        raise InputError(f"this score map of {len(data)} bytes is damaged: {error}") from error


def _packed(part: bytes) -> bytes:
    sample = part[len(part) // 2 :][:SAMPLE_BYTES]
    if len(zlib.compress(sample, 1)) > WORTH * len(sample):
        return part
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    packed = packer.compress(part) + packer.flush()
    return packed if len(packed) < len(part) else part


def _unpacked(packed: bytes, num_values: int) -> np.ndarray:
    """A part as long as the number of values is not compressed: a compressed one is always shorter."""
    part = packed
    if len(packed) != num_values:
        part = zlib.decompressobj().decompress(packed, num_values + 1)
    if len(part) != num_values:
        raise ValueError(f"{len(part)} bytes for {num_values} values")
    return np.frombuffer(part, np.uint8)
