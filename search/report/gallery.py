"""Test images for the page: photo, score map over it, true defect, side by side in one small JPEG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from inspector.preprocess import resize_frame
from inspector.render import encode_jpeg, overlay

MAX_SIDE_PX = 256
MAX_TOTAL_BYTES = 1_200_000  # of all pictures together, before base64 adds a third
QUALITIES = (85, 75, 65, 50, 35)
SEAM_PX = 4
TRUTH_BGR = (178, 114, 0)  # blue of Okabe and Ito
_BRUSH = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))


@dataclass(frozen=True, eq=False)
class GalleryItem:
    """A test image to show: its frame, score map and true mask (of any sizes), and what to write below.

    mask: all 0 for a good part; None where the truth is not known.
    """

    frame: np.ndarray
    score: np.ndarray
    mask: np.ndarray | None
    caption: str

    @property
    def has_defect(self) -> bool:
        """True when there is a true defect to outline."""
        return self.mask is not None and bool(self.mask.any())


@dataclass(frozen=True)
class Picture:
    """An encoded strip of three panels."""

    uri: str
    width: int
    height: int
    caption: str
    has_truth: bool


def gallery_pictures(items: Sequence[GalleryItem]) -> list[Picture]:
    """Encode every item; each gets an equal share of `MAX_TOTAL_BYTES` and the best quality that fits."""
    return [_picture(item, max_bytes=MAX_TOTAL_BYTES // len(items)) for item in items]


def strip(item: GalleryItem) -> np.ndarray:
    """Return one frame of three panels: photo, overlay, and the outlined true defect or words."""
    photo = resize_frame(item.frame, size_hw=_panel_hw(item.frame))
    truth = _truth(photo, item.mask)
    panels = [photo, overlay(photo, item.score), truth]
    seam = np.full((photo.shape[0], SEAM_PX, 3), 255, np.uint8)
    joined = [part for panel in panels for part in (panel, seam)][:-1]
    return np.concatenate(joined, axis=1)


def _picture(item: GalleryItem, *, max_bytes: int) -> Picture:
    frame = strip(item)
    content = b""
    for quality in QUALITIES:
        content = encode_jpeg(frame, quality=quality)
        if len(content) <= max_bytes:
            break
    uri = "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
    return Picture(uri, frame.shape[1], frame.shape[0], item.caption, item.has_defect)


def _panel_hw(frame: np.ndarray) -> tuple[int, int]:
    rows, columns = frame.shape[:2]
    scale = min(1.0, MAX_SIDE_PX / max(rows, columns))
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _truth(photo: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    if mask is None:
        return _blank(photo, text="no mask")
    return _outlined(photo, mask) if mask.any() else _blank(photo, text="no defect")


def _blank(photo: np.ndarray, *, text: str) -> np.ndarray:
    rows, columns = photo.shape[:2]
    size = columns / 400
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    corner = ((columns - width) // 2, (rows + height) // 2)
    panel = np.full_like(photo, 246)
    return cv2.putText(panel, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, (96, 87, 80), 1, cv2.LINE_AA)


def _outlined(photo: np.ndarray, mask: np.ndarray) -> np.ndarray:
    rows, columns = photo.shape[:2]
    # Any touched pixel counts: a thin crack must not vanish from the picture of the truth.
    covered = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) > 0
    around = cv2.dilate(covered.astype(np.uint8), _BRUSH)  # beside the defect, not over it
    contours, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(photo.copy(), contours, -1, TRUTH_BGR, 2)
