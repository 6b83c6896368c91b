"""Bytes and files to frames and masks: checks first, decodes second.

A frame is uint8 (H, W, 3) BGR, a mask uint8 (H, W) with 0 and 1.
"""

from pathlib import Path
from typing import Tuple

import cv2
import numpy as np

from inspector.errors import DatasetError, ImageError
from inspector.image_header import ImageHeader, is_complete, read_header

MAX_PIXELS = 100_000_000
UPLOAD_FORMATS = ("jpeg", "png", "bmp")
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})


def decode_frame(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an upload to a frame: uint8 (H, W, 3) BGR, turned upright as its EXIF says.

    Gray becomes three equal channels, of 16 bits the upper 8 are kept, alpha is dropped.

    Raises:
        ImageError: not a JPEG, PNG or BMP; more than `max_pixels`, which is checked in the header before
            anything is decoded; or a file that is cut off or damaged.
    """
    header = checked_header(data, max_pixels=max_pixels)
    if header.format not in UPLOAD_FORMATS:
        raise ImageError(
            f"a {header.format.upper()} image, which is not accepted here; send a JPEG, PNG or BMP"
        )
    return decode(data, header)


def read_frame(path: Path) -> np.ndarray:
    """Read an image file, TIFF too, to a frame: uint8 (H, W, 3) BGR; see `decode_frame`.

    Raises:
        ImageError: as `decode_frame`, naming the file; or the file cannot be read.
    """
    return _read(path, cv2.IMREAD_COLOR)


def read_checked_header(path: Path) -> ImageHeader:
    """Return the header of a whole image file; nothing is decoded. ImageError as `read_frame`."""
    data = read_bytes(path)
    try:
        return checked_header(data)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def read_mask(path: Path, *, shape_hw: Tuple[int, int]) -> np.ndarray:
    """Read a ground-truth mask: uint8 (H, W), 1 where the stored gray is above 127.

    Args:
        shape_hw: Rows and columns of the image that the mask belongs to.

    Raises:
        DatasetError: the mask is unreadable or has another size than its image.
    """
    mask = read_mask_any_size(path)
    if mask.shape != tuple(shape_hw):
        raise another_size(path, mask_wh=(mask.shape[1], mask.shape[0]), image_wh=(shape_hw[1], shape_hw[0]))
    return mask


def another_size(mask: Path, *, mask_wh: Tuple[int, int], image_wh: Tuple[int, int]) -> DatasetError:
    """Return the error of a mask that does not have the size of its image."""
    return DatasetError(
        f"mask {mask} is {mask_wh[0]} x {mask_wh[1]} pixels but its image is "
        f"{image_wh[0]} x {image_wh[1]}; draw the mask again at the size of the image"
    )


def read_mask_any_size(path: Path) -> np.ndarray:
    """Read a mask whatever its size: uint8 (H, W), 0 and 1; DatasetError where it is unreadable."""
    try:
        gray = _read(path, cv2.IMREAD_GRAYSCALE)
    except ImageError as error:
        raise DatasetError(f"mask {error}") from error
    return (gray > 127).astype(np.uint8)


def read_bytes(path: Path) -> bytes:
    """Return the content of an image file; ImageError naming it where that fails."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}") from error


def checked_header(data: bytes, *, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Return the header of a whole image of at most `max_pixels`.

    Raises:
        ImageError: no image, too many pixels, cut off or damaged.
    """
    header = read_header(data)
    if header.width * header.height > max_pixels:
        raise ImageError(
            f"an image of {header.width} x {header.height} pixels "
            f"({header.width * header.height / 1e6:,.1f} million), "
            f"above the limit of {max_pixels / 1e6:,.1f} million; make it smaller"
        )
    if not is_complete(data, header):
        raise ImageError(
            f"a {header.format.upper()} that is cut off or damaged ({len(data)} bytes); "
            "copy it again from its source"
        )
    return header


def decode(data: bytes, header: ImageHeader, *, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Decode bytes whose header was checked; ImageError where OpenCV cannot."""
    try:
        frame = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _undecodable(data, header) from error
    if frame is None:
        raise _undecodable(data, header)
    return frame


def _read(path: Path, flags: int) -> np.ndarray:
    data = read_bytes(path)
    try:
        return decode(data, checked_header(data), flags=flags)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def _undecodable(data: bytes, header: ImageHeader) -> ImageError:
    return ImageError(
        f"a {header.format.upper()} of {len(data)} bytes that cannot be decoded ({header.mode}); "
        "copy it again, or save it as an 8-bit PNG"
    )
