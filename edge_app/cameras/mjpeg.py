"""MJPEG over HTTP: a thread takes the newest JPEG off the connection, `read` decodes it.

Not FFmpeg's reader, since that follows redirects to anywhere. The connection goes to the IP that was checked;
nothing but JPEG is decoded.
"""

import base64
import http.client
import socket
import ssl
import threading
import time
from email.message import Message
from typing import BinaryIO, Dict, Iterator, Optional, Tuple

import numpy as np

from edge_app.cameras.source import SourceError, SourceRequest
from inspector.errors import ImageError
from inspector.image_file import decode_frame

MAX_JPEG_BYTES = 32_000_000
MAX_LINE_BYTES = 4096
MAX_HEADER_LINES = 32
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class MjpegSource:
    """The newest JPEG of a stream."""

    fps: Optional[float] = None

    def __init__(self, request: SourceRequest) -> None:
        self._timeout_s = request.timeout_s
        self._changed = threading.Condition()
        self._newest: Optional[Tuple[bytes, float]] = None
        self._error = ""
        stream, boundary = _connect(request)
        threading.Thread(target=self._receive, args=(stream, boundary), daemon=True).start()

    def read(self) -> Optional[Tuple[np.ndarray, float]]:
        """Wait for the next JPEG; SourceError when the stream ended, is silent or is no JPEG."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._error, self._timeout_s)
            newest, self._newest = self._newest, None
        if newest is None:
            raise SourceError(self._error or f"the stream was silent for {self._timeout_s:g} s")
        data, arrived_s = newest
        if not data.startswith(_JPEG_START):
            raise SourceError("the stream holds something else than JPEG images")
        try:
            return decode_frame(data), arrived_s
        except ImageError as error:
            raise SourceError(f"the stream holds a JPEG that cannot be read: {error}") from error

    def _receive(self, stream: BinaryIO, boundary: bytes) -> None:
        error = "the server ended the stream"
        try:
            for data in parts(stream, boundary):
                with self._changed:
                    self._newest = data, time.monotonic()
                    self._changed.notify()
        except (OSError, http.client.HTTPException, SourceError) as problem:
            error = f"the stream broke: {problem}"
        with self._changed:
            self._error = error
            self._changed.notify()


def _connect(request: SourceRequest) -> Tuple[BinaryIO, bytes]:
    headers = {"Host": _host_header(request), "Accept": "multipart/x-mixed-replace", "Connection": "close"}
    if request.username or request.password:
        login = f"{request.username}:{request.password}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
    try:
        connection = http.client.HTTPConnection(request.ip, request.port, timeout=request.timeout_s)
        connection.sock = socket.create_connection((request.ip, request.port), request.timeout_s)
        if request.is_tls:
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=request.host)
        connection.putrequest("GET", request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(f"{request.host}:{request.port} does not answer: {error}") from error
    if response.status != 200:
        raise SourceError(f"{request.host}:{request.port} answers {response.status} {response.reason}"[:200])
    content = Message()
    content["Content-Type"] = response.headers.get("Content-Type", "")
    boundary = content.get_boundary()
    if content.get_content_type() != "multipart/x-mixed-replace" or not boundary:
        raise SourceError(
            f"{request.host}:{request.port} sends {content.get_content_type()} where an MJPEG stream, "
            "multipart/x-mixed-replace, is needed"
        )
    return response, boundary.encode()


def parts(stream: BinaryIO, boundary: bytes) -> Iterator[bytes]:
    """Yield the bodies of a multipart stream; SourceError where one breaks the rules or is too large."""
    mark = b"--" + boundary.lstrip(b"-")
    while True:
        line = _line(stream)
        if not line:
            return
        if mark.lstrip(b"-") not in line:
            continue
        if line.rstrip().endswith(mark.lstrip(b"-") + b"--"):
            return
        length = _headers(stream).get("content-length", "")
        yield _sized(stream, length) if length else _until_end(stream)


def _headers(stream: BinaryIO) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for _ in range(MAX_HEADER_LINES):
        line = _line(stream).strip()
        if not line:
            return headers
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    raise SourceError(f"a part has more than {MAX_HEADER_LINES} header lines")


def _sized(stream: BinaryIO, length: str) -> bytes:
    if not length.isdigit() or not 0 < int(length) <= MAX_JPEG_BYTES:
        raise SourceError(f"a part of {length[:20]} bytes; 1 to {MAX_JPEG_BYTES} are possible")
    data = stream.read(int(length))
    if len(data) < int(length):
        raise SourceError("the server ended the stream within an image")
    return data


def _until_end(stream: BinaryIO) -> bytes:
    """Read a part that does not say its length: up to the line that ends with JPEG's end mark."""
    data = bytearray()
    while len(data) <= MAX_JPEG_BYTES:
        line = stream.readline(1 << 16)
        if not line:
            raise SourceError("the server ended the stream within an image")
        data += line
        if data.rstrip(b"\r\n").endswith(_JPEG_END):
            return bytes(data.rstrip(b"\r\n"))
    raise SourceError(f"an image of more than {MAX_JPEG_BYTES} bytes")


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(MAX_LINE_BYTES + 1)
    if len(line) > MAX_LINE_BYTES:
        raise SourceError(f"a line of more than {MAX_LINE_BYTES} bytes where a boundary was expected")
    return line


def _host_header(request: SourceRequest) -> str:
    host = f"[{request.host}]" if ":" in request.host else request.host
    return host if request.port == (443 if request.is_tls else 80) else f"{host}:{request.port}"
