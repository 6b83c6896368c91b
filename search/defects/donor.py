"""Patches of other good images of the same part, for defects that look like the part in the wrong place."""

from collections.abc import Sequence

import cv2
import numpy as np

from search.defects.style import Frame


def cut_patch(
    donors: Sequence[Frame], frame: Frame, *, size_hw: tuple[int, int], rng: np.random.Generator
) -> Frame:
    """Return a patch (h, w, 3) from a random place of a random donor, mirrored at random along each axis.

    Args:
        donors: Where there are none, `frame` is the donor; a donor smaller than the patch is stretched.
    """
    donor = donors[int(rng.integers(len(donors)))] if donors else frame
    if donor.shape[0] < size_hw[0] or donor.shape[1] < size_hw[1]:
        donor = np.asarray(cv2.resize(donor, size_hw[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
    top, left = (int(rng.integers(0, n - s + 1)) for n, s in zip(donor.shape[:2], size_hw, strict=True))
    flip_y, flip_x = (1 if rng.random() < 0.5 else -1 for _ in range(2))
    patch = donor[top : top + size_hw[0], left : left + size_hw[1]]
    return np.ascontiguousarray(patch[::flip_y, ::flip_x])
