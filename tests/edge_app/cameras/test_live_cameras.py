"""Cameras with their real processes: streams, faults, silence, kills. Only 127.0.0.1 is connected to."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import cv2
import numpy as np
import pytest

from edge_app.cameras.address import source_request
from edge_app.cameras.source import SourceRequest
from edge_app.cameras.supervisor import SupervisedCamera
from edge_app.services.camera import CameraSettings, CameraState, FrameFault
from edge_app.services.continuous_station import ContinuousStation
from tests.edge_app.cameras.fakes import PATIENCE_S, FakeInspector, eventually
from tests.edge_app.cameras.servers import mjpeg_server, rtsp_server, silent_server

REPOSITORY = Path(__file__).parents[3]


@contextmanager
def camera_at(
    address: str, *, recordings: Path = Path("/nonexistent"), **changes: Any
) -> Iterator[SupervisedCamera]:
    settings = CameraSettings(**{"name": "line1", "address": address, **changes})
    camera = SupervisedCamera(
        settings, lambda seq: source_request(settings, recordings=recordings, first_seq=seq), rng=Random(0)
    )
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


@contextmanager
def pipe_camera() -> Iterator[SupervisedCamera]:
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("gst-launch-1.0 is not installed")
    request = SourceRequest(kind="test", place="", fps=30, width=320, height=240)
    settings = CameraSettings(name="line1", address="csi:0")
    camera = SupervisedCamera(settings, lambda seq: replace(request, first_seq=seq))
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


def children_of(pid: int) -> list[int]:
    """Return the living and dead children of a process; they are listed a thread."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has just ended
            found += map(int, (task / "children").read_text().split())
    return found


def camera_processes() -> list[int]:
    return [pid for pid in children_of(os.getpid()) if b"cameras.child" in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def names(folder: str) -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def is_gone(pid: int) -> bool:
    """Whether a process has ended, though somebody may not have waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    assert not camera_processes()
    descriptors = len(names("/proc/self/fd"))
    threads = threading.active_count()
    yield
    eventually(lambda: not camera_processes(), what="the end of every camera's process")
    eventually(lambda: len(names("/proc/self/fd")) <= descriptors, what="the end of all descriptors")
    eventually(lambda: threading.active_count() <= threads, what="the end of all threads")


def test_an_mjpeg_stream_gives_fresh_numbered_frames() -> None:
    with mjpeg_server() as server, camera_at(server.address) as camera:
        before = 0
        for _ in range(5):
            frame = camera.wait_next(before, PATIENCE_S)
            assert frame is not None
            assert frame.seq > before
            assert frame.frame.shape == (48, 64, 3)
            assert frame.fault is None
            assert frame.captured_s <= time.monotonic()
            assert not frame.frame.flags.writeable
            before = frame.seq
        stats = camera.stats()
        assert (stats.state, stats.width, stats.height) == (CameraState.RUNNING, 64, 48)
        assert (stats.num_restarts, stats.last_error) == (0, "")
        assert stats.num_frames >= 5
        assert stats.age_ms is not None
        assert server.authorizations == ["Basic dXNlcjpzZWNyZXQ="]
    assert camera.stats().state is CameraState.STOPPED


def test_one_jpeg_again_and_again_is_frozen_until_another_comes() -> None:
    with mjpeg_server() as server, camera_at(server.address, frozen_s=0.3) as camera:
        server.is_frozen = True
        eventually(lambda: camera.stats().fault is FrameFault.FROZEN)
        frame = camera.latest()
        assert frame is not None
        assert frame.fault is FrameFault.FROZEN
        server.is_frozen = False
        eventually(lambda: camera.stats().fault is None)
        server.is_black = True
        eventually(lambda: camera.stats().fault is FrameFault.BLACK)


def test_a_stream_that_stalls_is_ended_and_tried_again_and_nothing_old_is_inspected_meanwhile() -> None:
    inspector = FakeInspector()
    with (
        mjpeg_server() as server,
        camera_at(server.address, timeout_s=0.5) as camera,
        ExitStack() as closing,
    ):
        settings = CameraSettings(name="line1", address=server.address)
        station = ContinuousStation(camera, settings, inspector)
        closing.callback(station.stop)
        station.start()
        eventually(lambda: station.stats.num_inspected > 0)
        first = camera_processes()
        server.is_paused.set()
        eventually(lambda: inspector.no_decisions, what="a NO_DECISION for the silence")
        seen = [taken.origin.captured_ms for taken in inspector.taken if taken and not taken.no_decision]
        assert len(seen) == len(set(seen))
        eventually(lambda: camera.stats().state is CameraState.WAITING)
        assert re.search("timed out|silent for 0.5 s", camera.stats().last_error)
        assert "secret" not in camera.stats().last_error
        assert all(is_gone(pid) for pid in first)
        num_inspected = station.stats.num_inspected
        server.is_paused.clear()
        eventually(lambda: station.stats.num_inspected > num_inspected, what="inspections after the break")
        assert camera.stats().num_restarts >= 1
    assert {reason for _, _, reason in inspector.no_decisions} == {"stale"}


def test_a_dead_camera_does_not_affect_another() -> None:
    """Two servers that accept and are silent, by RTSP and HTTP, beside one that works."""
    with silent_server() as port, mjpeg_server() as server, camera_at(server.address) as healthy:
        assert healthy.wait_next(0, PATIENCE_S) is not None
        with (
            camera_at(f"rtsp://127.0.0.1:{port}/a", timeout_s=0.5) as rtsp,
            camera_at(f"http://127.0.0.1:{port}/a", timeout_s=0.5) as http,
        ):
            eventually(lambda: rtsp.stats().last_error and http.stats().last_error)
            assert "gives no stream within 0.5 s" in rtsp.stats().last_error
            assert "does not answer: timed out" in http.stats().last_error
            assert healthy.stats().num_restarts == 0
            assert healthy.stats().fault is None
            newest = healthy.latest()
            assert newest is not None
            assert healthy.wait_next(newest.seq, PATIENCE_S) is not None


def test_a_process_that_ignores_everything_is_killed() -> None:
    with mjpeg_server() as server, camera_at(server.address, timeout_s=0.5) as camera:
        assert camera.wait_next(0, PATIENCE_S) is not None
        (pid,) = camera_processes()
        os.kill(pid, signal.SIGSTOP)  # SIGTERM waits as long as this one lasts; only SIGKILL does not
        eventually(lambda: is_gone(pid), what="SIGKILL")
        newest = camera.latest()
        assert newest is not None
        again = camera.wait_next(newest.seq, PATIENCE_S)
        assert again is not None
        assert again.seq > newest.seq
        assert camera.stats().num_restarts == 1


def test_a_redirect_is_not_followed_and_another_type_is_refused() -> None:
    with mjpeg_server() as target, mjpeg_server() as server:
        server.location = target.address
        with camera_at(server.address) as camera:
            eventually(lambda: "answers 302" in camera.stats().last_error)
        assert target.authorizations == []
        server.location, server.content_type = "", "text/html"
        with camera_at(server.address) as camera:
            eventually(lambda: "sends text/html where an MJPEG stream" in camera.stats().last_error)


def test_rtsp_from_a_real_server_also_after_it_was_gone() -> None:
    with rtsp_server() as server:
        address = f"rtsp://user:geheim@127.0.0.1:{server.port}/line"  # type: ignore[attr-defined]
        with camera_at(address, timeout_s=3) as camera:
            frame = camera.wait_next(0, PATIENCE_S)
            assert frame is not None
            assert frame.frame.shape == (240, 320, 3)
            assert frame.fault is None
            eventually(lambda: camera.stats().num_frames > 10)
            server.kill()
            eventually(lambda: camera.stats().state is CameraState.WAITING)
            assert camera.stats().last_error
            assert "geheim" not in camera.stats().last_error


def test_what_an_rtsp_server_says_of_a_refusal_is_shown() -> None:
    with rtsp_server() as server:
        address = f"rtsp://user:geheim@127.0.0.1:{server.port}/nothing"  # type: ignore[attr-defined]
        with camera_at(address, timeout_s=3) as camera:
            eventually(lambda: camera.stats().last_error)
            assert "method DESCRIBE failed: 404" in camera.stats().last_error
            assert "geheim" not in camera.stats().last_error


def test_a_gstreamer_pipe_gives_the_newest_frame_to_a_slow_reader() -> None:
    with pipe_camera() as camera:
        first = camera.wait_next(0, PATIENCE_S)
        assert first is not None
        assert first.frame.shape == (240, 320, 3)
        (pid,) = camera_processes()
        (launch,) = children_of(pid)
        assert b"gst-launch" in command_of(launch)
        eventually(lambda: camera.stats().num_frames >= first.seq + 20, what="20 frames that nobody reads")
        newest = camera.latest()
        assert newest is not None
        assert newest.seq >= first.seq + 20
    assert is_gone(launch)


def test_a_killed_pipe_is_started_again() -> None:
    with pipe_camera() as camera:
        assert camera.wait_next(0, PATIENCE_S) is not None
        (pid,) = camera_processes()
        (launch,) = children_of(pid)
        os.kill(launch, signal.SIGKILL)
        eventually(lambda: camera.stats().last_error)
        assert "gst-launch-1.0 ended with status -9" in camera.stats().last_error
        newest = camera.latest()
        assert newest is not None
        assert camera.wait_next(newest.seq, PATIENCE_S) is not None


def test_a_folder_is_played_once_at_a_rate_and_then_has_ended(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for number in range(6):
        frame = np.random.default_rng(number).integers(60, 200, (24, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "good" / f"{number}.png"), frame)
    with camera_at("folder:good", recordings=tmp_path, fps=50, loop=False) as camera:
        eventually(lambda: camera.stats().state is CameraState.ENDED)
        stats = camera.stats()
        assert (stats.num_frames, stats.num_restarts, stats.last_error) == (6, 0, "")
    with camera_at("folder:gone", recordings=tmp_path) as camera:
        eventually(lambda: "there is no 'gone'" in camera.stats().last_error)


def test_a_wrong_device_says_so() -> None:
    with camera_at("v4l2:99") as camera:
        eventually(lambda: "/dev/video99 cannot be opened" in camera.stats().last_error)


SERVER = """
import sys, time
from pathlib import Path
from dataclasses import replace
from edge_app.cameras.address import source_request
from edge_app.cameras.source import SourceRequest
from edge_app.cameras.supervisor import SupervisedCamera
from edge_app.services.camera import CameraSettings
if __name__ == "__main__":
    settings = CameraSettings(name="line1", address=sys.argv[1])
    pipe = SourceRequest(kind="test", place="", fps=30, width=320, height=240)
    cameras = [
        SupervisedCamera(settings, lambda seq: source_request(settings, recordings=Path("/"), first_seq=seq)),
        SupervisedCamera(settings, lambda seq: replace(pipe, first_seq=seq)),
    ][: int(sys.argv[2])]
    for camera in cameras:
        camera.start()
    for camera in cameras:
        assert camera.wait_next(0, 20) is not None
    print("running", flush=True)
    time.sleep(600)
"""


def test_nothing_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    num_cameras = 1 if shutil.which("gst-launch-1.0") is None else 2
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with mjpeg_server() as stream:
        server = subprocess.Popen(
            [sys.executable, str(script), stream.address, str(num_cameras)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert server.stdout is not None
        assert server.stdout.readline() == "running\n"
        children = children_of(server.pid)
        grandchildren = [pid for child in children for pid in children_of(child)]
        assert len(children) == num_cameras
        assert len(grandchildren) == num_cameras - 1
        in_memory = names("/dev/shm")
        server.kill()
        server.wait()
        server.stdout.close()
        for pid in (*children, *grandchildren):
            eventually(lambda pid=pid: is_gone(pid), what="the end of a camera's process")
        assert names("/dev/shm") <= in_memory  # nothing that only it could have removed
        assert not [name for name in in_memory if "camera" in name]
