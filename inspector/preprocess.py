"""A frame to the network's input; the only copy, for training, export and the edge.

Shape letters:  B batch   H, W rows, columns
"""

from typing import Tuple

import cv2
import numpy as np

from inspector.errors import ImageError


def to_image(frame: np.ndarray, *, size_hw: Tuple[int, int]) -> np.ndarray:
    """Resize a frame and turn it into a network input: float32 (1, 3, H, W), RGB, 0..1."""
    return frame_to_image(resize_frame(frame, size_hw=size_hw))


def resize_frame(frame: np.ndarray, *, size_hw: Tuple[int, int]) -> np.ndarray:
    """Resize to `size_hw` without keeping the aspect ratio: uint8 (H, W, 3) BGR.

    Area average where both axes shrink, which keeps fine defects visible; bilinear otherwise.

    Raises:
        ImageError: not a uint8 (H, W, 3) array with at least one pixel.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
        raise ImageError(f"a frame is uint8 (H, W, 3), but this one is {frame.dtype} {frame.shape}")
    height, width = size_hw
    if frame.shape[:2] == (height, width):
        return frame
    shrinks = height <= frame.shape[0] and width <= frame.shape[1]
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def frame_to_image(frame: np.ndarray) -> np.ndarray:
    """Return float32 (1, 3, H, W) RGB in 0..1 for a uint8 (H, W, 3) BGR frame of the right size."""
    planes = np.ascontiguousarray(frame[:, :, ::-1].transpose(2, 0, 1))
    image: np.ndarray = np.divide(planes[np.newaxis], 255, dtype=np.float32)
    return image


def resize_mask(mask: np.ndarray, *, size_hw: Tuple[int, int]) -> np.ndarray:
    """Resize a 0/1 mask: a pixel is defective where more than half of its area was; uint8 (H, W)."""
    height, width = size_hw
    if mask.shape == (height, width):
        return mask
    share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return (share > 0.5).astype(np.uint8)
