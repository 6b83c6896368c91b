"""What one image file tells about itself: size, mode, hashes, brightness and focus.

Source: the DCT hash follows Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
(2010), Sec. 3.2.1; focus is the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000).
Differs from the source: focus is divided by the variance of the image: a dark photo is not called blurred.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import cv2
import numpy as np

from inspector.errors import DatasetError, ImageError
from inspector.image_file import checked_header, decode, read_bytes, read_mask_any_size

THUMB_PX = 32
_HASH_PX = 8


@dataclass(frozen=True)
class ImageFacts:
    """Measures of a readable image.

    phash: 64 bits, near for images that look alike.  thumb: float32 (32 * 32,), gray 0..255.
    brightness: mean gray, 0..255.  focus: variance of the Laplacian over that of the gray image.
    peak: highest gray.
    """

    sha256: str
    width: int
    height: int
    mode: str
    phash: int
    thumb: np.ndarray
    brightness: float
    focus: float
    peak: int


@dataclass(frozen=True)
class MaskFacts:
    """Size and defective pixels of a mask, or why it is unreadable."""

    width: int = 0
    height: int = 0
    num_defect_px: int = 0
    error: str = ""


@dataclass(frozen=True)
class FileFacts:
    """One file: `facts`, or why it is unreadable."""

    facts: Optional[ImageFacts]
    error: str = ""


def look_at(path: Path) -> FileFacts:
    """Read and measure one image; an unreadable one is an answer, not an exception."""
    try:
        return FileFacts(measure(read_bytes(path)))
    except ImageError as error:
        return FileFacts(None, str(error))


def look_at_mask(path: Path) -> MaskFacts:
    """Read and measure one mask; an unreadable one is an answer, not an exception."""
    try:
        mask = read_mask_any_size(path)
    except DatasetError as error:
        return MaskFacts(error=str(error))
    return MaskFacts(mask.shape[1], mask.shape[0], int(mask.sum(dtype=np.int64)))


def measure(data: bytes) -> ImageFacts:
    """Measure the image in `data`.

    Raises:
        ImageError: it cannot be decoded, is cut off, or is above the pixel limit.
    """
    header = checked_header(data)
    frame = decode(data, header)
    gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    thumb = cv2.resize(gray, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    return ImageFacts(
        sha256=hashlib.sha256(data).hexdigest(),
        width=frame.shape[1],
        height=frame.shape[0],
        mode=header.mode,
        phash=perceptual_hash(thumb),
        thumb=thumb.ravel(),
        brightness=float(gray.mean()),
        focus=float(cv2.Laplacian(gray, cv2.CV_32F).var() / (gray.var() + 1.0)),
        peak=int(frame.max()),
    )


def perceptual_hash(thumb: np.ndarray) -> int:
    """Hash a float32 (32, 32) gray image: the signs of its 64 lowest frequencies around their median.

    The mean of the image, the first coefficient, is left out of the median: it only tells the brightness.
    """
    low = cv2.dct(thumb)[:_HASH_PX, :_HASH_PX].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
