"""What a supervisor does when its process does something that a test cannot make a real one do."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from edge_app.cameras import supervisor as module
from edge_app.cameras.source import SourceRequest
from edge_app.cameras.supervisor import SupervisedCamera
from edge_app.services.camera import CameraError, CameraSettings, CameraState
from tests.edge_app.cameras.fakes import eventually

SETTINGS = CameraSettings(name="line1", address="v4l2:0")


class HangingProcess:
    """A process in the kernel's hands: no signal ends it before `lets_go`."""

    lets_go = threading.Event()
    started: list[HangingProcess]
    pid = 4711

    def __init__(self, request: SourceRequest, ring: Any) -> None:
        self.started.append(self)

    def events(self, timeout_s: float, wake: int) -> list[str] | None:
        return None

    def last_words(self) -> str:
        return ""

    def end(self) -> bool:
        return self.lets_go.is_set()

    def is_gone(self) -> bool:
        return self.lets_go.is_set()

    def close(self) -> None:
        """It has no pipes."""


def request(seq: int) -> SourceRequest:
    return SourceRequest(kind="v4l2", place="/dev/video0", first_seq=seq)


@pytest.fixture(autouse=True)
def _hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    HangingProcess.lets_go.clear()
    HangingProcess.started = []
    monkeypatch.setattr(module, "CameraProcess", HangingProcess)
    monkeypatch.setattr(module, "LOOK_AT_STUCK_S", 0.01)
    monkeypatch.setattr(module, "pause_s", lambda num_failures, rng: 0.01)


def test_a_process_that_hangs_in_the_kernel_is_said_and_no_other_is_started_beside_it() -> None:
    camera = SupervisedCamera(SETTINGS, request)
    camera.start()
    eventually(lambda: camera.stats().state is CameraState.STUCK)
    assert "process 4711 hangs in the kernel" in camera.stats().last_error
    threading.Event().wait(0.1)
    assert len(HangingProcess.started) == 1
    HangingProcess.lets_go.set()
    eventually(lambda: len(HangingProcess.started) > 1, what="the next attempt")
    camera.stop()
    assert camera.stats().state is CameraState.STOPPED


def test_nobody_waits_for_a_process_that_hangs() -> None:
    camera = SupervisedCamera(SETTINGS, request)
    camera.start()
    eventually(lambda: camera.stats().state is CameraState.STUCK)
    camera.stop()
    assert camera.stats().state is CameraState.STOPPED


@pytest.mark.parametrize("error", [CameraError("there is no such folder"), RuntimeError("surprise")])
def test_an_error_before_the_process_starts_is_tried_again(error: Exception) -> None:
    tries: list[int] = []

    def fails(seq: int) -> SourceRequest:
        tries.append(seq)
        raise error

    camera = SupervisedCamera(SETTINGS, fails)
    camera.start()
    eventually(lambda: len(tries) > 2)
    assert str(error) in camera.stats().last_error
    camera.stop()
    assert camera.stats().num_restarts >= 2
