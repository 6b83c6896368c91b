"""A region of a mask as a word, so that a patch that proposes it stands for itself.

`add 12x30+5+7 BASE64` or `remove ...`: width x height + left + top of the region's box and its packed, zipped
pixels. Regions are given at the size of the mask.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inspector.errors import InputError

Mask = npt.NDArray[np.uint8]
ADD, REMOVE = "add", "remove"
MAX_BOX_PX = 1 << 28
_WORD = re.compile(r"(add|remove) (\d{1,6})x(\d{1,6})\+(\d{1,6})\+(\d{1,6}) ([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, eq=False)
class MaskRegion:
    """Pixels (h, w), 0 or 1, at rows from `top` and columns from `left`, to be added to a mask or removed."""

    action: str
    top: int
    left: int
    pixels: Mask

    def word(self) -> str:
        """Write the region as the label that a patch proposes."""
        height, width = self.pixels.shape
        packed = zlib.compress(np.packbits(self.pixels).tobytes(), 9)
        return f"{self.short()} {base64.b64encode(packed).decode('ascii')}" if height and width else ""

    def short(self) -> str:
        """Name the region by its box, for people."""
        height, width = self.pixels.shape
        return f"{self.action} {width}x{height}+{self.left}+{self.top}"

    def applied_to(self, mask: Mask) -> Mask:
        """Return a copy of a mask (H, W), 0 or 1, with the region changed.

        Raises:
            InputError: the region does not lie inside the mask.
        """
        height, width = self.pixels.shape
        if self.top + height > mask.shape[0] or self.left + width > mask.shape[1]:
            raise InputError(
                f"the region {self.short()} does not lie inside a mask of {mask.shape[1]} x {mask.shape[0]} "
                "pixels; the patch was made for another mask"
            )
        changed = mask.copy()
        box = changed[self.top : self.top + height, self.left : self.left + width]
        box[self.pixels > 0] = int(self.action == ADD)
        return changed


def region_of(action: str, mask: Mask) -> MaskRegion:
    """Return the pixels of a mask (H, W) that are not 0 as a region."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    pixels = (mask[top : rows[-1] + 1, left : columns[-1] + 1] > 0).astype(np.uint8)
    return MaskRegion(action, top, left, pixels)


def read_region(word: str) -> MaskRegion:
    """Read what `MaskRegion.word` has written.

    Raises:
        InputError: it is no region, or a damaged one.
    """
    found = _WORD.fullmatch(word)
    if found is None:
        raise InputError(f"{word[:60]!r} is no region of a mask; it must be like `add 12x30+5+7 BASE64`")
    action, numbers = found[1], [int(found[i]) for i in range(2, 6)]
    width, height, left, top = numbers
    if not 0 < width * height <= MAX_BOX_PX:
        raise InputError(
            f"the region {word[:40]!r} has {width * height} pixels; from 1 to {MAX_BOX_PX} are allowed"
        )
    num_bytes = (width * height + 7) // 8
    try:
        unzip = zlib.decompressobj()
        packed = unzip.decompress(base64.b64decode(found[6], validate=True), num_bytes + 1)
    except (zlib.error, binascii.Error, ValueError) as error:
        raise InputError(f"the region {word[:40]!r} is damaged ({error}); make the patch again") from error
    if len(packed) != num_bytes:
        raise InputError(f"the region {word[:40]!r} is damaged: it has {len(packed)} bytes, not {num_bytes}")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=width * height)
    return MaskRegion(action, top, left, bits.reshape(height, width))
