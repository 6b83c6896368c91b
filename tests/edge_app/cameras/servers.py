"""Camera servers of the tests, on 127.0.0.1: MJPEG, good, frozen, black or silent; RTSP by GStreamer."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_SERVER = Path(__file__).with_name("rtsp_server.py")
HEADER = "multipart/x-mixed-replace; boundary=frame"


class MjpegServer(ThreadingHTTPServer):
    """Streams JPEGs at `interval_s`; what each shows is `picture(number)`. `pause` holds the stream up."""

    daemon_threads = True

    def __init__(self, *, interval_s: float = 0.05) -> None:
        super().__init__(("127.0.0.1", 0), _Streamer)
        self.interval_s = interval_s
        self.is_frozen = False
        self.is_black = False
        self.is_paused = threading.Event()
        self.stopping = threading.Event()
        self.content_type = HEADER
        self.location = ""
        self.authorizations: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://user:secret@127.0.0.1:{self.server_address[1]}/stream"

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that goes away is no error."""

    def picture(self, number: int) -> bytes:
        seed = 0 if self.is_frozen else number
        low, high = (0, 4) if self.is_black else (60, 200)
        frame = np.random.default_rng(seed).integers(low, high, (48, 64, 3), dtype=np.uint8)
        return cv2.imencode(".jpg", frame)[1].tobytes()


class _Streamer(BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        server = self.server
        server.authorizations.append(self.headers["Authorization"])
        if server.location:
            self.send_response(302)
            self.send_header("Location", server.location)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", server.content_type)
        self.end_headers()
        number = 0
        while not server.stopping.wait(server.interval_s):
            if server.is_paused.is_set():
                continue
            data = server.picture(number)
            number += 1
            self.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n")
            self.wfile.write(f"Content-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def mjpeg_server(*, interval_s: float = 0.05) -> Iterator[MjpegServer]:
    server = MjpegServer(interval_s=interval_s)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent_server() -> Iterator[int]:
    """Accept every connection, and never say a word; yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                accepted.append(listener.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in accepted:
            connection.close()


@contextmanager
def rtsp_server() -> Iterator[subprocess.Popen[str]]:
    """A real RTSP server; its stream is at `/line` of the port in its `port` attribute."""
    if not Path(SYSTEM_PYTHON).exists() or shutil.which("gst-launch-1.0") is None:
        pytest.skip("no RTSP server: install gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-tools")
    process = subprocess.Popen(
        [SYSTEM_PYTHON, str(RTSP_SERVER)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            pytest.skip(f"no RTSP server: {process.stderr.read().strip().splitlines()[-1]}")
        process.port = int(port)  # type: ignore[attr-defined]
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
