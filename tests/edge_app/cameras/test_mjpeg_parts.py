"""The parts of an MJPEG stream, as cameras really write them, and what is refused."""

from __future__ import annotations

import io

import pytest

from edge_app.cameras import mjpeg
from edge_app.cameras.gstreamer import pipeline
from edge_app.cameras.mjpeg import parts
from edge_app.cameras.source import SourceError, SourceRequest

JPEG = b"\xff\xd8\xff\xe0 pic\nture \xff\xd9"


@pytest.mark.parametrize(
    ("stream", "boundary"),
    [
        (b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 16\r\n\r\n" + JPEG + b"\r\n--b--\r\n", b"b"),
        (b"\r\n--b\r\ncontent-length:16\r\n\r\n" + JPEG + b"--b--", b"b"),
        (b"--b\nContent-Type: image/jpeg\n\n" + JPEG + b"\r\n--b--", b"b"),  # no length, bare line feeds
        (b"--b\r\nContent-Length: 16\r\n\r\n" + JPEG + b"\r\n--b--", b"--b"),  # dashes in the header, too
        (b"b\r\nContent-Length: 16\r\n\r\n" + JPEG + b"\r\nb--", b"b"),  # and those that leave them out
    ],
)
def test_parts(stream: bytes, boundary: bytes) -> None:
    assert len(JPEG) == 16
    twice = stream.replace(b"--b--", b"") + stream
    assert list(parts(io.BytesIO(stream), boundary)) == [JPEG]
    assert list(parts(io.BytesIO(twice), boundary))[:2] == [JPEG, JPEG]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"--b\r\nContent-Length: 99999999999\r\n\r\n", "a part of 99999999999 bytes"),
        (b"--b\r\nContent-Length: -1\r\n\r\n", "a part of -1 bytes"),
        (b"--b\r\nContent-Length: 50\r\n\r\nshort", "ended the stream within an image"),
        (b"--b\r\n\r\nno end", "ended the stream within an image"),
        (b"--b\r\n" + b"A: b\r\n" * 40, "more than 32 header lines"),
        (b"x" * 5000, "a line of more than 4096 bytes"),
    ],
)
def test_streams_that_break_the_rules(stream: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(parts(io.BytesIO(stream), b"b"))


def test_an_image_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "MAX_JPEG_BYTES", 1000)
    with pytest.raises(SourceError, match="an image of more than 1000 bytes"):
        list(parts(io.BytesIO(b"--b\r\n\r\n" + b"x\n" * 2000), b"b"))


def test_the_pipeline_of_a_csi_camera() -> None:
    """Runs on a Jetson only; here its words are held against the ones in jetson.md, section 7."""
    words = pipeline(SourceRequest(kind="csi", place="1", fps=30, width=640, height=480))
    assert " ".join(words) == (
        "nvarguscamerasrc sensor-id=1 ! "
        "video/x-raw(memory:NVMM),width=640,height=480,framerate=30000/1000,format=NV12 ! "
        "nvvidconv flip-method=0 ! video/x-raw,width=640,height=480,format=BGRx ! "
        "queue max-size-buffers=1 max-size-bytes=0 max-size-time=0 leaky=downstream ! fdsink fd=1 sync=false"
    )
