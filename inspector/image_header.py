"""What the first bytes of an image file say: format, size and mode, before anything is decoded.

Source: ITU-T T.81 (JPEG), W3C PNG, the BMP and TIFF 6.0 file formats.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from inspector.errors import ImageError

JPEG_MAGIC, PNG_MAGIC, BMP_MAGIC = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
TIFF_MAGICS = (b"II*\0", b"MM\0*")
# Start-of-frame markers: 0xC0-0xCF without DHT (C4), JPG (C8) and DAC (CC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset(range(0xD0, 0xD9)) | {0x01}
_BMP_HEADER_BYTES = 54  # file header and BITMAPINFOHEADER
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}


@dataclass(frozen=True)
class ImageHeader:
    """Format ("jpeg", "png", "bmp", "tiff"), size in pixels, channels as stored, bits a channel."""

    format: str
    width: int
    height: int
    channels: int
    bits: int

    @property
    def mode(self) -> str:
        """`gray`, `colour`, either with `+alpha`, and `16-bit` and the like where it is not 8."""
        name = "gray" if self.channels <= 2 else "colour"
        alpha = "+alpha" if self.channels == 2 or (self.channels == 4 and self.format != "jpeg") else ""
        return name + alpha + (f" {self.bits}-bit" if self.bits != 8 else "")


def read_header(data: bytes) -> ImageHeader:
    """Parse the header of a JPEG, PNG, BMP or TIFF.

    Raises:
        ImageError: another format, a header that is cut off, or a size of zero.
    """
    parse = _parser(data)
    if parse is None:
        raise ImageError(f"{len(data)} bytes that are no JPEG, PNG, BMP or TIFF image")
    try:
        header = parse(data)
    except (struct.error, IndexError) as error:
        raise ImageError(f"an image header that is cut off ({len(data)} bytes)") from error
    if header.width < 1 or header.height < 1:
        raise ImageError(f"an image header with the size {header.width} x {header.height}")
    return header


def is_complete(data: bytes, header: ImageHeader) -> bool:
    """Tell whether the file reaches its end marker; OpenCV fills what is missing in a JPEG with gray."""
    if header.format == "jpeg":
        return data.find(b"\xff\xd9", _jpeg_segments(data)[1]) >= 0
    if header.format == "png":
        return _png_is_whole(data)
    if header.format == "bmp":
        return len(data) >= _bmp_bytes(data, header)
    return True


def _parser(data: bytes) -> Optional[Callable[[bytes], ImageHeader]]:
    if data.startswith(JPEG_MAGIC):
        return _jpeg_header
    if data.startswith(PNG_MAGIC):
        return _png_header
    if data.startswith(BMP_MAGIC):
        return _bmp_header
    return _tiff_header if data.startswith(TIFF_MAGICS) else None


def _jpeg_header(data: bytes) -> ImageHeader:
    header = _jpeg_segments(data)[0]
    if header is None:
        raise ImageError("a JPEG without a frame header")
    return header


def _jpeg_segments(data: bytes) -> Tuple[Optional[ImageHeader], int]:
    """Return the frame header and the offset of the first scan."""
    header, at = None, 2
    while True:
        while data[at] == 0xFF and data[at + 1] == 0xFF:  # fill bytes
            at += 1
        if data[at] != 0xFF:
            raise ImageError(f"a damaged JPEG: no marker at byte {at}")
        marker = data[at + 1]
        if marker == 0xDA:
            return header, at
        if marker == 0xD9:
            raise ImageError("a JPEG that ends before its first scan")
        if marker in _JPEG_BARE:
            at += 2
            continue
        if marker in _JPEG_FRAMES and header is None:
            bits, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
            header = ImageHeader("jpeg", width, height, channels, bits)
        at += 2 + max(2, struct.unpack_from(">H", data, at + 2)[0])


def _png_header(data: bytes) -> ImageHeader:
    name, width, height, bits, colour = struct.unpack_from(">4sIIBB", data, 12)
    if name != b"IHDR" or colour not in _PNG_CHANNELS:
        raise ImageError("a PNG without a valid IHDR chunk")
    return ImageHeader("png", width, height, _PNG_CHANNELS[colour], 8 if colour == 3 else bits)


def _png_is_whole(data: bytes) -> bool:
    at = len(PNG_MAGIC)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[at + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            return False
        if name == b"IEND":
            return True
        at = end + 4
    return False


def _bmp_header(data: bytes) -> ImageHeader:
    info_bytes = struct.unpack_from("<I", data, 14)[0]
    if info_bytes == 12:  # OS/2 BITMAPCOREHEADER
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    channels = {32: 4}.get(bits, 1 if bits == 8 and _bmp_palette_is_gray(data, info_bytes) else 3)
    return ImageHeader("bmp", width, abs(height), channels, 8)


def _bmp_palette_is_gray(data: bytes, info_bytes: int) -> bool:
    entry = 3 if info_bytes == 12 else 4
    palette = data[
        14 + info_bytes : min(struct.unpack_from("<I", data, 10)[0], 14 + info_bytes + 256 * entry)
    ]
    return palette[0::entry] == palette[1::entry] == palette[2::entry]


def _bmp_bytes(data: bytes, header: ImageHeader) -> int:
    """The least size of an uncompressed file; the header's own for a run-length coded one."""
    start, info_bytes = struct.unpack_from("<II", data, 10)
    core = info_bytes == 12
    if not core and len(data) < _BMP_HEADER_BYTES:
        return _BMP_HEADER_BYTES
    bits = struct.unpack_from("<H", data, 24 if core else 28)[0]
    compression = 0 if core else struct.unpack_from("<I", data, 30)[0]
    if compression not in (0, 3):
        return int(start)
    return int(start) + (header.width * int(bits) + 31) // 32 * 4 * header.height


def _tiff_header(data: bytes) -> ImageHeader:
    order = "<" if data[:2] == b"II" else ">"
    at = struct.unpack_from(order + "I", data, 4)[0]
    tags = {}
    for i in range(struct.unpack_from(order + "H", data, at)[0]):
        tag, kind, count = struct.unpack_from(order + "HHI", data, at + 2 + 12 * i)
        where = at + 10 + 12 * i
        if count * 2 > 4 and kind == 3:  # several shorts are stored elsewhere; the first one will do
            where = struct.unpack_from(order + "I", data, where)[0]
        if kind in (3, 4) and tag in (256, 257, 258, 277):
            tags[tag] = int(struct.unpack_from(order + ("H" if kind == 3 else "I"), data, where)[0])
    return ImageHeader("tiff", tags.get(256, 0), tags.get(257, 0), tags.get(277, 1), tags.get(258, 1))
