"""Live viewers of the real server: pictures and results as they come, few at once, and none slows another."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from edge_app.routes.live import MAX_SOCKETS, MAX_STREAMS
from tests.browser.line import Line, running_line
from tests.edge_app.cameras.fakes import eventually

STREAM = "/api/v1/cameras/ring/stream.mjpg"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    with running_line(tmp_path_factory.mktemp("viewers")) as opened:
        yield opened


def parts_of(line: Line, number: int) -> list[tuple[dict[str, str], bytes]]:
    """Return the first parts of the stream, headers and body."""
    held, found = b"", []
    with httpx.stream("GET", f"{line.url}{STREAM}", timeout=20) as answer:
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=frame"
        for chunk in answer.iter_raw():
            held += chunk
            while b"\r\n\r\n" in held:
                head, rest = held.split(b"\r\n\r\n", 1)
                lines = head.decode().replace("--frame\r\n", "").strip().split("\r\n")
                headers = dict(entry.split(": ", 1) for entry in lines)
                length = int(headers["Content-Length"])
                if len(rest) < length:
                    break
                found.append((headers, rest[:length]))
                held = rest[length:].lstrip(b"\r\n")
            if len(found) >= number:
                return found
    return found


async def heard(line: Line, number: int, query: str = "") -> list[dict[str, Any]]:
    async with connect(f"ws://127.0.0.1:{line.served.port}/api/v1/live{query}") as viewer:
        return [json.loads(await asyncio.wait_for(viewer.recv(), 20)) for _ in range(number)]


def num_inspected(line: Line) -> int:
    return int(line.get("cameras/ring")["station"]["num_inspected"])


def test_the_picture_stream_names_the_result_of_each_picture(line: Line) -> None:
    for headers, body in parts_of(line, 3):
        picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (128, 192, 3)
        result = line.get(f"inspections/{headers['X-Result-Id']}")
        assert (result["verdict"], result["origin"]["source"]) == (headers["X-Verdict"], "ring")


def test_the_socket_tells_the_state_first_then_results(line: Line) -> None:
    messages = asyncio.run(heard(line, 8))
    state, results = messages[0], [each for each in messages if each["kind"] == "result"]
    assert state["kind"] == "state"
    assert [camera["settings"]["name"] for camera in state["cameras"]] == ["ring"]
    assert (state["model"]["state"], state["model"]["name"]) == ("serving", "tiny")
    assert state["thresholds"] == {"fail": 0.5, "review": 0.25, "min_area_px": 4}
    assert state["drift"]["level"] in ("ok", "watch", "alarm")
    assert len(results) > 2
    for result in results:
        stored = httpx.get(f"{line.url}{result['self']}").json()
        assert (stored["id"], stored["verdict"]) == (result["id"], result["verdict"])
        assert stored["image_score"] == result["image_score"]


def test_a_socket_of_another_source_hears_no_results(line: Line) -> None:
    kinds = {message["kind"] for message in asyncio.run(heard(line, 3, "?source=nobody"))}
    assert kinds == {"state"}


def test_an_unknown_camera_has_no_picture(line: Line) -> None:
    answer = httpx.get(f"{line.url}/api/v1/cameras/nobody/stream.mjpg")
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_viewer_that_takes_nothing_stops_nobody(line: Line) -> None:
    request = f"GET {STREAM} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with ExitStack() as opened:
        for _ in range(4):
            stuck = opened.enter_context(socket.create_connection(("127.0.0.1", line.served.port)))
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.sendall(request)
        before = num_inspected(line)
        assert len(parts_of(line, 5)) == 5
        assert num_inspected(line) > before


def test_viewers_are_bounded_and_their_places_come_back(line: Line) -> None:
    with ExitStack() as opened:
        for _ in range(MAX_STREAMS):
            answer = opened.enter_context(httpx.stream("GET", f"{line.url}{STREAM}", timeout=20))
            assert answer.status_code == 200
        refused = httpx.get(f"{line.url}{STREAM}")
        assert refused.status_code == 503
        assert refused.json()["detail"].startswith("16 live pictures run already (the limit)")
        assert refused.headers["retry-after"] == "1"
    eventually(lambda: has_place(line))
    asyncio.run(too_many_sockets(line))


def has_place(line: Line) -> bool:
    with httpx.stream("GET", f"{line.url}{STREAM}", timeout=20) as answer:
        return answer.status_code == 200


async def too_many_sockets(line: Line) -> None:
    address = f"ws://127.0.0.1:{line.served.port}/api/v1/live"
    viewers = [await connect(address) for _ in range(MAX_SOCKETS)]
    async with connect(address) as refused:
        with pytest.raises(ConnectionClosed, match="32 live viewers run already"):
            await refused.recv()
        assert refused.close_code == 1013
    for viewer in viewers:
        await viewer.close()


def test_the_server_stops_though_somebody_watches(tmp_path: Path) -> None:
    with running_line(tmp_path) as line:
        with httpx.stream("GET", f"{line.url}{STREAM}", timeout=20) as answer:
            chunks = answer.iter_raw()
            next(chunks)
            line.served.process.terminate()
            for _ in chunks:  # ends by itself
                pass
        assert line.served.process.wait(20) == -signal.SIGTERM  # raised again, after all was closed
