"""Pictures of a result, drawn when they are asked for."""

import threading
from dataclasses import dataclass
from typing import Tuple

import cv2
import numpy as np

from edge_app.services.result import Result
from inspector.errors import InputError
from inspector.image_file import decode_frame
from inspector.postprocess import Judgement, Thresholds, judge, smooth
from inspector.render import encode_jpeg, encode_png, overlay

JPEG_QUALITY = 90
MAX_OVERLAY_SIDE_PX = 2048


@dataclass(frozen=True)
class Drawable:
    """What the pictures of a result are drawn from: `score` is float32 (H, W), not smoothed, and `judgement`
    is at its size; `photo` is a JPEG, PNG or BMP file."""

    photo: bytes
    frame_hw: Tuple[int, int]
    score: np.ndarray
    judgement: Judgement

    @classmethod
    def of(cls, result: Result) -> "Drawable":
        """Take it from a result in memory; InputError where no network has seen the photo."""
        if result.score is None or result.judgement is None:
            raise InputError(f"result {result.id} has no score map: no decision was made ({result.reason})")
        return cls(result.photo.data, result.frame_hw, result.score, result.judgement)

    @classmethod
    def judged(
        cls, photo: bytes, frame_hw: Tuple[int, int], score: np.ndarray, thresholds: Thresholds
    ) -> "Drawable":
        """Take it from what was stored: the same map and thresholds give the same judgement."""
        return cls(photo, frame_hw, score, judge(score, thresholds))


class Drawings:
    """Draws one picture at a time: a large photo takes tens of megabytes while it is drawn."""

    def __init__(self, *, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._lock = threading.Lock()

    def mask_png(self, drawable: Drawable) -> bytes:
        """Return the mask in the photo's pixels: 255 where a pixel is defective, else 0."""
        with self._lock:
            mask = drawable.judgement.scaled_to(drawable.frame_hw).mask
            return encode_png(mask * np.uint8(255))

    def overlay_jpeg(self, drawable: Drawable) -> bytes:
        """Return the photo, shrunk if large, with the defect map, the regions and the verdict drawn on it."""
        with self._lock:
            frame = _shrunk(decode_frame(drawable.photo, max_pixels=self._max_pixels))
            drawn = overlay(frame, drawable.score, judgement=drawable.judgement)
            return encode_jpeg(drawn, quality=JPEG_QUALITY)


def score_png(score: np.ndarray) -> bytes:
    """Return the smoothed score map as 8-bit gray at the network's input size: 255 is 1.0."""
    levels = np.rint(np.clip(smooth(score), 0.0, 1.0) * 255.0).astype(np.uint8)
    return encode_png(levels)


def score_npy(score: np.ndarray) -> bytes:
    """Return the smoothed score map as a little-endian float32 NumPy file: what the thresholds apply to."""
    values = np.ascontiguousarray(smooth(score), dtype="<f4")
    shape = f"({values.shape[0]}, {values.shape[1]})"
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode("ascii")
    padding = b" " * (-(len(header) + 11) % 64)
    size = (len(header) + len(padding) + 1).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + size + header + padding + b"\n" + values.tobytes()


def _shrunk(frame: np.ndarray) -> np.ndarray:
    """Return the frame with no side over `MAX_OVERLAY_SIDE_PX`: drawing takes 30 bytes a pixel."""
    scale = MAX_OVERLAY_SIDE_PX / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
