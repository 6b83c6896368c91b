"""`inspector serve` for real: verify, open the port, answer, refuse what is hostile, stop in good order."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import httpx
import pytest

from inspector.bundle import Bundle
from inspector.runtime import Runner
from tests.edge_app.serving import Served, fail_to_serve, serving
from tests.tiny_bundle import part, write_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("serve") / "tiny.bundle")


@pytest.fixture(scope="module")
def served(bundle: Path) -> Iterator[Served]:
    with serving(bundle, INSPECTOR_MAX_BODY_MB="1") as server:
        yield server


def talk(served: Served, request: bytes) -> bytes:
    """Send raw bytes and return what comes back until the answer is whole or the connection is cut."""
    answer = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):  # the server does not read a flood to its end
            connection.sendall(request)
        while not answer.endswith(b"}"):
            try:
                data = connection.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            answer += data
    return answer


def test_it_says_once_that_it_is_ready(served: Served) -> None:
    assert served.ready == {
        "url": f"http://127.0.0.1:{served.port}",
        "bundle": "tiny",
        "version": "1",
        "runner": "onnxruntime-cpu",
        "self_test_difference": pytest.approx(0, abs=1e-4),
    }


@pytest.mark.parametrize("defect", [True, False])
def test_it_answers_as_the_runner_does(served: Served, bundle: Path, defect: bool) -> None:
    frame, _ = part(7, defect=defect, scale=10)
    known = Runner.open(Bundle.open(bundle), threads=1).inspect(frame).judgement.scaled_to(frame.shape[:2])
    answer = httpx.post(
        f"{served.url}/api/v1/inspections",
        content=cv2.imencode(".png", frame)[1].tobytes(),
        headers={"content-type": "image/png"},
    )
    body = answer.json()
    assert answer.status_code == 201
    assert body["verdict"] == known.verdict.value == ("FAIL" if defect else "PASS")
    assert body["image_score"] == pytest.approx(known.image_score, abs=1e-6)
    assert [region["area_px"] for region in body["regions"]] == [region.area_px for region in known.regions]
    overlay = httpx.get(served.url + body["links"]["overlay"])
    assert (overlay.status_code, overlay.content[:3]) == (200, b"\xff\xd8\xff")
    assert "uvicorn" not in overlay.headers.get("server", "")


def test_it_says_on_stderr_why_the_thresholds_promise_less(bundle: Path) -> None:
    with serving(bundle, "--host", "::1") as server:
        assert httpx.get(f"{server.url}/api/v1/health").status_code == 200
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=20)
    assert "warning: the thresholds of tiny: few images" in errors


def test_a_chunked_flood_is_cut_off(served: Served) -> None:
    head = (
        b"POST /api/v1/inspections HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"20000\r\n" + b"\0" * 0x20000 + b"\r\n"
    answer = talk(served, head + chunk * 8)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the limit is 1 MB" in answer


def test_a_declared_flood_is_refused_before_it_is_sent(served: Served) -> None:
    answer = talk(
        served,
        b"POST /api/v1/inspections HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
        b"Content-Length: 99999999999\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413 ")


POST = (
    b"POST /api/v1/inspections HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize(
    "flood",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 2_000_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 200_000,
        b"GET /" + b"a" * 2_000_000,
        POST + b"1\r\nx\r\n" * 200_000,
        POST + b"1;" + b"a" * 2_000_000,
        POST + b"1\r\nx\r\n0\r\n" + b"X: y\r\n" * 200_000,
    ],
    ids=["one header", "many headers", "address", "tiny chunks", "chunk extension", "trailers"],
)
def test_a_flood_outside_the_body_is_cut_off(served: Served, flood: bytes) -> None:
    answer = talk(served, flood)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert httpx.get(f"{served.url}/api/v1/health").status_code == 200


def test_an_upload_that_breaks_off_leaves_no_traceback(bundle: Path) -> None:
    with serving(bundle) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(POST + b"5\r\nhello\r\n")
        assert httpx.get(f"{server.url}/api/v1/health").status_code == 200
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=20)
    assert "Traceback" not in errors


def test_a_photo_in_small_chunks_is_taken_on_one_connection_twice(served: Served) -> None:
    photo = cv2.imencode(".bmp", part(7, defect=True, scale=10)[0])[1].tobytes()
    chunks = [photo[at : at + 256] for at in range(0, len(photo), 256)]
    headers = {"content-type": "image/bmp"}
    with httpx.Client(base_url=served.url) as client:
        for _ in range(2):
            answer = client.post("/api/v1/inspections", content=iter(chunks), headers=headers)
            assert answer.status_code == 201


@pytest.mark.parametrize("host", [b"evil.example", b"a/public?x=", b"127.0.0.1:80@evil.example"])
def test_another_host_is_refused(served: Served, host: bytes) -> None:
    answer = talk(served, b"GET /api/v1/health HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_good_order(bundle: Path, stop: signal.Signals) -> None:
    with serving(bundle) as server:
        server.process.send_signal(stop)
        _, errors = server.process.communicate(timeout=20)
        assert server.process.returncode == (0 if stop == signal.SIGINT else -signal.SIGTERM)
        assert "Traceback" not in errors


def test_a_changed_bundle_ends_in_one_sentence_and_opens_no_port(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    model = folder / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = fail_to_serve(str(folder), "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "model.onnx" in done.stderr


def test_a_missing_bundle_and_a_taken_port_end_in_one_sentence(bundle: Path, tmp_path: Path) -> None:
    missing = fail_to_serve(str(tmp_path / "none.bundle"))
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = fail_to_serve(str(bundle), "--port", str(port))
    assert (busy.returncode, busy.stdout) == (2, "")
    assert busy.stderr == (
        f"error: cannot listen on 127.0.0.1 port {port}: Address already in use; choose another --port\n"
    )


def test_an_open_address_asks_for_a_key_and_tells_the_first_one_once(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, "--host", "0.0.0.0", state=tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert httpx.get(f"{url}/api/v1/health").status_code == 200
        assert httpx.get(f"{url}/api/v1/inspections").status_code == 401
        key = (tmp_path / "first-admin-key").read_text().strip()
        headers = {"authorization": f"Bearer {key}"}
        assert httpx.get(f"{url}/api/v1/inspections", headers=headers).status_code == 200
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=20)
    assert "can be reached from other machines: it asks for a key" in errors
    assert key not in errors
    with serving(bundle, "--host", "0.0.0.0", state=tmp_path) as server:
        server.process.send_signal(signal.SIGINT)
        _, errors = server.process.communicate(timeout=20)
    assert "first key" not in errors


def test_results_are_there_after_a_stop_and_after_a_kill(bundle: Path, tmp_path: Path) -> None:
    photo = cv2.imencode(".png", part(7, defect=True, scale=10)[0])[1].tobytes()
    links = []
    for stop in (signal.SIGTERM, signal.SIGKILL):
        with serving(bundle, state=tmp_path) as server:
            answer = httpx.post(
                f"{server.url}/api/v1/inspections", content=photo, headers={"content-type": "image/png"}
            ).json()
            assert answer["stored"] is True
            links.append(answer["links"])
            server.process.send_signal(stop)
            server.process.communicate(timeout=20)
    with serving(bundle, state=tmp_path) as server:
        for link in links:
            assert httpx.get(server.url + link["self"]).json()["verdict"] == "FAIL"
            assert httpx.get(server.url + link["image"]).content == photo


def test_without_a_bundle_the_model_that_served_last_goes_on(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, state=tmp_path) as server:
        name = server.ready["bundle"]
    with serving(None, state=tmp_path) as server:
        assert server.ready["bundle"] == name == "tiny"


def test_a_second_server_on_the_same_state_is_refused(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, state=tmp_path):
        second = fail_to_serve(str(bundle), "--port", "0", "--state", str(tmp_path))
    assert (second.returncode, second.stdout) == (2, "")
    assert "is in use by process" in second.stderr
    assert second.stderr.count("\n") == 1
