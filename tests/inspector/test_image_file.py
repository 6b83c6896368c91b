import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.errors import DatasetError, ImageError
from inspector.image_file import decode_frame, read_frame, read_mask
from inspector.image_header import read_header

Draw = Callable[..., np.ndarray]


def encode(frame: np.ndarray, suffix: str, *options: int) -> bytes:
    return cv2.imencode(suffix, frame, options)[1].tobytes()


def png_header_of(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_an_upload_decodes_as_opencv_decodes_it(part: Draw, suffix: str) -> None:
    data = encode(part(1), suffix)
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decode_frame(data), expected)


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".jpg", ()),
        (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)),
        (".png", ()),
        (".bmp", ()),
        (".tif", ()),
    ],
)
@pytest.mark.parametrize("shape_hw", [(1, 1), (7, 5), (60, 81)])
def test_header_tells_the_size(
    part: Draw, suffix: str, options: tuple[int, ...], shape_hw: tuple[int, int]
) -> None:
    header = read_header(encode(part(1, shape_hw), suffix, *options))
    assert (header.height, header.width) == shape_hw
    assert (header.channels, header.bits) == (3, 8)


def test_header_tells_the_mode(part: Draw) -> None:
    colour = part(1)
    gray, deep = colour[:, :, 0], colour.astype(np.uint16) * 257
    alpha = np.dstack([colour, gray])
    assert read_header(encode(gray, ".jpg")).mode == "gray"
    assert read_header(encode(gray, ".png")).mode == "gray"
    assert read_header(encode(gray, ".bmp")).mode == "gray"
    assert read_header(encode(colour, ".bmp")).mode == "colour"
    assert read_header(encode(deep, ".png")).mode == "colour 16-bit"
    assert read_header(encode(deep, ".tif")).mode == "colour 16-bit"
    assert read_header(encode(alpha, ".png")).mode == "colour+alpha"


def test_every_mode_becomes_uint8_bgr(part: Draw, tmp_path: Path) -> None:
    colour = part(1)
    colour[:, :, 1] //= 2
    gray = np.ascontiguousarray(colour[:, :, 0])
    stored = {
        "gray.png": (gray, np.dstack([gray] * 3)),
        "deep.png": (colour.astype(np.uint16) * 256 + 255, colour),  # the upper 8 bits are kept
        "deep_gray.png": (gray.astype(np.uint16) * 256, np.dstack([gray] * 3)),
        "rgba.png": (np.dstack([colour, np.zeros_like(gray)]), colour),
        "colour.TIFF": (colour, colour),
        "deep.tif": (colour.astype(np.uint16) * 257, colour),
    }
    for name, (written, expected) in stored.items():
        (tmp_path / name).write_bytes(encode(written, Path(name).suffix.lower()))
        frame = read_frame(tmp_path / name)
        assert frame.dtype == np.uint8, name
        np.testing.assert_array_equal(frame, expected, err_msg=name)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_a_file_that_is_cut_off_is_refused(part: Draw, tmp_path: Path, suffix: str, keep: float) -> None:
    data = encode(part(1), suffix)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ImageError, match=rf"cut{suffix}: .*cut off"):
        read_frame(path)


def test_opencv_alone_would_fill_a_cut_jpeg_with_gray(part: Draw) -> None:
    # Why the end marker is looked for: nothing but the last two bytes is missing here.
    data = encode(part(1), ".jpg")[:-2]
    with pytest.raises(ImageError, match="cut off"):
        decode_frame(data)


def test_bytes_after_the_end_are_no_fault(part: Draw) -> None:
    for suffix in (".jpg", ".png", ".bmp"):
        data = encode(part(1), suffix)
        np.testing.assert_array_equal(decode_frame(data + b"\0" * 100), decode_frame(data))


def test_an_end_marker_inside_a_thumbnail_does_not_count(part: Draw) -> None:
    thumbnail = encode(part(2, (8, 8)), ".jpg")
    data = encode(part(1), ".jpg")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    with_thumbnail = data[:2] + segment + data[2:]
    np.testing.assert_array_equal(decode_frame(with_thumbnail), decode_frame(data))
    with pytest.raises(ImageError, match="cut off"):
        decode_frame(with_thumbnail[: len(with_thumbnail) // 2 + 300])


def test_a_photo_is_turned_upright_as_its_exif_says(part: Draw) -> None:
    data = encode(part(1, (60, 80)), ".jpg")
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)  # orientation 6: turn right
    exif = b"Exif\0\0" + tiff
    turned = decode_frame(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    np.testing.assert_array_equal(turned, np.rot90(decode_frame(data), k=-1))


def test_a_png_with_a_changed_byte_is_refused(part: Draw) -> None:
    data = bytearray(encode(part(1), ".png"))
    data[len(data) // 2] ^= 1
    with pytest.raises(ImageError, match="damaged"):
        decode_frame(bytes(data))


def test_a_huge_upload_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ImageError, match=r"30000 x 30000 pixels \(900.0 million\), above the limit of 100.0"):
        decode_frame(png_header_of(30_000, 30_000))
    jpeg = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30_000, 30_000) + b"\x03" + b"\0" * 9
    with pytest.raises(ImageError, match="30000 x 30000"):
        decode_frame(jpeg + b"\xff\xda\0\x02\xff\xd9")
    bmp = b"BM" + struct.pack("<IHHIIiiHHI", 0, 0, 0, 54, 40, 30_000, -30_000, 1, 24, 0)
    with pytest.raises(ImageError, match="30000 x 30000"):
        decode_frame(bmp)


def test_the_pixel_limit_is_the_callers(part: Draw) -> None:
    data = encode(part(1, (10, 10)), ".png")
    assert decode_frame(data, max_pixels=100).shape == (10, 10, 3)
    with pytest.raises(ImageError, match="above the limit"):
        decode_frame(data, max_pixels=99)


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + b"\0" * 20, b"\xff\xd8\xff", b"BM", b"<html>"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"no JPEG, PNG, BMP or TIFF|cut off"):
        decode_frame(data)


def test_a_bmp_that_ends_inside_its_header_is_cut_off(part: Draw) -> None:
    with pytest.raises(ImageError, match="cut off"):
        decode_frame(encode(part(1), ".bmp")[:31])


def test_a_size_of_zero_is_refused() -> None:
    with pytest.raises(ImageError, match="size 0 x 5"):
        decode_frame(png_header_of(0, 5))


def test_a_tiff_is_read_from_a_folder_but_not_accepted_as_upload(part: Draw) -> None:
    with pytest.raises(ImageError, match="a TIFF image, which is not accepted here"):
        decode_frame(encode(part(1), ".tif"))


def test_any_truncation_or_noise_ends_in_an_image_error(part: Draw) -> None:
    rng = np.random.default_rng(0)
    for suffix in (".jpg", ".png", ".bmp", ".tif"):
        data = encode(part(1, (16, 16)), suffix)
        for _ in range(60):
            broken = bytearray(data[: rng.integers(4, len(data) + 1)])
            for at in rng.integers(4, len(broken) + 1, size=3):
                broken[at - 1] = rng.integers(256)
            try:
                frame = decode_frame(bytes(broken))
            except ImageError:
                continue
            assert frame.dtype == np.uint8
            assert frame.ndim == 3


def test_a_float_tiff_says_what_to_do(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "float.tif"), np.zeros((8, 8, 3), np.float32))
    with pytest.raises(ImageError, match=r"float.tif: .*cannot be decoded \(colour 32-bit\).*8-bit PNG"):
        read_frame(tmp_path / "float.tif")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot read .*nowhere.png: No such file"):
        read_frame(tmp_path / "nowhere.png")


def test_mask_is_defect_above_127(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), np.array([[0, 127, 128, 255]], np.uint8))
    mask = read_mask(tmp_path / "m.png", shape_hw=(1, 4))
    assert mask.dtype == np.uint8
    assert mask.tolist() == [[0, 0, 1, 1]]


def test_mask_of_another_size_names_both(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((4, 6), np.uint8))
    with pytest.raises(DatasetError, match=r"m.png is 6 x 4 pixels but its image is 8 x 4"):
        read_mask(tmp_path / "m.png", shape_hw=(4, 8))


def test_unreadable_mask_is_a_data_set_error(tmp_path: Path) -> None:
    (tmp_path / "m.png").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"mask .*m.png: 7 bytes that are no"):
        read_mask(tmp_path / "m.png", shape_hw=(4, 8))
