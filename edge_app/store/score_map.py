"""A score map as a small file that gives back every float32 exactly.

The four bytes of the values are kept apart. Signs and exponents of neighbours are alike and compress well,
the low bytes of a mantissa are often noise: such a part is stored as it is, after a look at a sample of it.
Only runs are looked for (Z_RLE): the photo's answer waits for this, and it takes half the time.
"""

import struct
import zlib

import numpy as np

from inspector.errors import InputError

MAGIC = b"VIS1"
HEADER = struct.Struct("<4sII4I")  # magic, rows, columns, bytes of the four parts
MAX_PX = 64 * 2**20
SAMPLE_BYTES = 4096
WORTH = 0.9  # a sample that does not shrink to this is left alone


def encode_score(score: np.ndarray) -> bytes:
    """Return the file for a float32 map (H, W)."""
    values = np.ascontiguousarray(score, "<f4").reshape(-1).view(np.uint8).reshape(-1, 4)
    parts = [_packed(values[:, index].tobytes()) for index in range(4)]
    return HEADER.pack(MAGIC, *score.shape, *map(len, parts)) + b"".join(parts)


def decode_score(data: bytes) -> np.ndarray:
    """Return the map, float32 (H, W), bit for bit as it was stored.

    Raises:
        InputError: the file is damaged.
    """
    try:
        magic, height, width, *lengths = HEADER.unpack_from(data)
        if magic != MAGIC or height * width > MAX_PX or HEADER.size + sum(lengths) != len(data):
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
