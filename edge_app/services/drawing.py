"""Pictures of a result, drawn when they are asked for."""

import threading
from dataclasses import dataclass, replace
from typing import Optional, Tuple

import cv2
import numpy as np

from edge_app.services.result import Result
from inspector.errors import InputError
from inspector.image_file import decode_frame
from inspector.postprocess import Judgement, Thresholds, judge, smooth
from inspector.render import encode_jpeg, encode_png, overlay
from inspector.view import Box, Layout

JPEG_QUALITY = 90
MAX_OVERLAY_SIDE_PX = 2048


@dataclass(frozen=True)
class Drawable:
    """What the pictures of a result are drawn from.

    photo: a JPEG, PNG or BMP file.  score: float32 (H, W), not smoothed.  judgement: at the map's size.
    layout: how the map lies on the photo; None where it covers the whole of it.
    """

    photo: bytes
    frame_hw: Tuple[int, int]
    score: np.ndarray
    judgement: Judgement
    layout: Optional[Layout] = None

    @classmethod
    def of(cls, result: Result) -> "Drawable":
        """Take it from a result in memory; InputError where no network has seen the photo."""
        if result.score is None or result.judgement is None:
            raise InputError(f"result {result.id} has no score map: no decision was made ({result.reason})")
        return cls(result.photo.data, result.frame_hw, result.score, result.judgement, result.layout)

    @classmethod
    def judged(
        cls,
        photo: bytes,
        frame_hw: Tuple[int, int],
        score: np.ndarray,
        thresholds: Thresholds,
        *,
        layout: Optional[Layout] = None,
    ) -> "Drawable":
        """Take it from what was stored: the same map, thresholds and layout give the same judgement."""
        judgement = judge(score, thresholds) if layout is None else layout.judge(score, thresholds)
        return cls(photo, frame_hw, score, judgement, layout)


class Drawings:
    """Draws one picture at a time: a large photo takes tens of megabytes while it is drawn."""

    def __init__(self, *, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._lock = threading.Lock()

    def mask_png(self, drawable: Drawable) -> bytes:
        """Return the mask in the photo's pixels: 255 where a pixel is defective, else 0."""
        with self._lock:
            _, judgement = on_picture(
                drawable.score, drawable.judgement, drawable.layout, picture_hw=drawable.frame_hw
            )
            return encode_png(judgement.scaled_to(drawable.frame_hw).mask * np.uint8(255))

    def overlay_jpeg(self, drawable: Drawable, *, max_side_px: int = MAX_OVERLAY_SIDE_PX) -> bytes:
        """Return the photo, shrunk if large, with the defect map, the regions and the verdict drawn on it."""
        with self._lock:
            frame = decode_frame(drawable.photo, max_pixels=self._max_pixels)
            return draw_overlay(
                frame, drawable.score, drawable.judgement, drawable.layout, max_side_px=max_side_px
            )


def draw_overlay(
    frame: np.ndarray,
    score: np.ndarray,
    judgement: Judgement,
    layout: Optional[Layout],
    *,
    max_side_px: int = MAX_OVERLAY_SIDE_PX,
    quality: int = JPEG_QUALITY,
) -> bytes:
    """Return a JPEG of the frame, uint8 (h, w, 3) BGR, with the defect map, the regions and the verdict."""
    picture = shrunk(frame, max_side_px=max_side_px)
    picture_hw = (int(picture.shape[0]), int(picture.shape[1]))
    placed, judged = on_picture(score, judgement, layout, picture_hw=picture_hw)
    return encode_jpeg(overlay(picture, placed, judgement=judged), quality=quality)


def on_picture(
    score: np.ndarray, judgement: Judgement, layout: Optional[Layout], *, picture_hw: Tuple[int, int]
) -> Tuple[np.ndarray, Judgement]:
    """Return map and judgement so that they cover a picture of the whole frame; as they are without a layout.

    A region of interest covers a part of it: its map and regions are put where it lies.
    """
    if layout is None:
        return score, judgement
    scale_y, scale_x = (side / full for side, full in zip(picture_hw, layout.frame_hw))
    x, y = int(layout.box.x * scale_x), int(layout.box.y * scale_y)
    box = Box(
        x=x,
        y=y,
        width=max(1, min(picture_hw[1] - x, round(layout.box.width * scale_x))),
        height=max(1, min(picture_hw[0] - y, round(layout.box.height * scale_y))),
    )
    here = replace(layout, frame_hw=picture_hw, box=box)
    return here.score_on_frame(score), here.to_frame(judgement)


def score_png(score: np.ndarray, layout: Optional[Layout]) -> bytes:
    """Return the smoothed score map as 8-bit gray at the map's size: 255 is 1.0."""
    levels = np.rint(np.clip(_smoothed(score, layout), 0.0, 1.0) * 255.0).astype(np.uint8)
    return encode_png(levels)


def score_npy(score: np.ndarray, layout: Optional[Layout]) -> bytes:
    """Return the smoothed score map as a little-endian float32 NumPy file: what the thresholds apply to."""
    values = np.ascontiguousarray(_smoothed(score, layout), dtype="<f4")
    shape = f"({values.shape[0]}, {values.shape[1]})"
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode("ascii")
    padding = b" " * (-(len(header) + 11) % 64)
    size = (len(header) + len(padding) + 1).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + size + header + padding + b"\n" + values.tobytes()


def _smoothed(score: np.ndarray, layout: Optional[Layout]) -> np.ndarray:
    """Smooth as the verdict was found: a map of many tiles by the window of one, without what is ignored."""
    return smooth(score) if layout is None else layout.smooth(score)


def shrunk(frame: np.ndarray, *, max_side_px: int) -> np.ndarray:
    """Return the frame with no side over `max_side_px`: drawing takes 30 bytes a pixel."""
    scale = max_side_px / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
