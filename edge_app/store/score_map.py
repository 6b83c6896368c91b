"""A score map as a small file that gives back every float32 exactly.

The four bytes of the values are kept apart: signs and exponents of neighbours are alike and compress well.
"""

import struct
import zlib

import numpy as np

from inspector.errors import InputError

MAGIC = b"VIS1"
HEADER = struct.Struct("<4sII")  # magic, rows, columns
MAX_PX = 64 * 2**20


def encode_score(score: np.ndarray) -> bytes:
    """Return the file for a float32 map (H, W)."""
    score = np.ascontiguousarray(score, "<f4")
    planes = score.reshape(-1).view(np.uint8).reshape(-1, 4).T
    return HEADER.pack(MAGIC, *score.shape) + zlib.compress(np.ascontiguousarray(planes).tobytes(), 1)


def decode_score(data: bytes) -> np.ndarray:
    """Return the map, float32 (H, W), bit for bit as it was stored.

    Raises:
        InputError: the file is damaged.
    """
    try:
        magic, height, width = HEADER.unpack_from(data)
        if magic != MAGIC or height * width > MAX_PX:
            raise ValueError("not a score map")
        num_bytes = 4 * height * width
        planes = zlib.decompressobj().decompress(data[HEADER.size :], num_bytes + 1)
        values = np.frombuffer(planes, np.uint8).reshape(4, height * width).T
        return np.ascontiguousarray(values).view("<f4").reshape(height, width).astype(np.float32, copy=False)
    except (struct.error, zlib.error, ValueError) as error:
        raise InputError(f"this score map of {len(data)} bytes is damaged: {error}") from error
