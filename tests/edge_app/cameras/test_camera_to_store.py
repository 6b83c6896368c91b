"""From a stream to a stored result, with all real parts; only the network is a function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_app.main import create_app
from edge_app.parts import Parts
from edge_app.services.camera import CameraSettings
from edge_app.store.filters import ResultFilter
from tests.edge_app.app import BrightnessModel, Client, parts_of, photo_frame
from tests.edge_app.cameras.fakes import PATIENCE_S, eventually
from tests.edge_app.cameras.servers import mjpeg_server

OpenParts = Callable[..., Parts]


def noisy(defect: int, seed: int) -> np.ndarray:
    frame = photo_frame(defect=defect)
    return np.asarray(frame + np.random.default_rng(seed).integers(0, 5, frame.shape, dtype=np.uint8) % 5)


@pytest.fixture
def open_parts(tmp_path: Path) -> Iterator[OpenParts]:
    with ExitStack() as closing:

        def opened(model: BrightnessModel | None = None) -> Parts:
            parts = parts_of(tmp_path, model)
            closing.callback(parts.close)
            return parts

        yield opened


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "line").mkdir(parents=True)
    for number in range(3):
        cv2.imwrite(str(folder / "line" / f"{number}.png"), noisy(250, number))
    return folder


def test_a_camera_that_is_triggered_over_rest(open_parts: OpenParts, recordings: Path) -> None:
    """The square of photo_frame is at (120, 80) to (280, 200); where it is ignored the part passes."""
    parts = open_parts()
    client = Client(create_app(parts))
    camera = {"name": "line1", "address": "folder:line", "fps": 20, "trigger": "http", "lot": "L1"}
    hole = [[0.2, 0.2], [0.7, 0.2], [0.7, 0.8], [0.2, 0.8]]
    assert client.request("POST", "/api/v1/cameras", json=camera).status_code == 201
    answer = client.request("POST", "/api/v1/cameras/line1/trigger", params={"lot": "L2"}).json()
    origin = answer["origin"]
    assert (answer["verdict"], origin["source"], origin["lot"]) == ("FAIL", "line1", "L2")
    assert origin["frame_age_ms"] >= 0
    (region,) = answer["regions"]
    assert abs(region["box"]["x"] - 120) <= 12
    assert abs(region["box"]["y"] - 80) <= 12
    changed = {**camera, "ignore": [hole], "tiles": {"size_px": 160, "overlap": 0.25}}
    assert client.request("PUT", "/api/v1/cameras/line1", json=changed).status_code == 200
    answer = client.request("POST", "/api/v1/cameras/line1/trigger").json()
    assert (answer["verdict"], answer["regions"]) == ("PASS", [])
    stored = parts.store.get(answer["id"])
    assert stored is not None
    assert stored.origin.trigger == "http"


def test_every_result_says_how_old_its_frame_was_and_no_frame_is_inspected_twice(
    open_parts: OpenParts,
) -> None:
    calls: list[None] = []
    parts = open_parts(BrightnessModel(lambda: calls.append(None)))
    with mjpeg_server(interval_s=0.02) as server:
        parts.cameras.add(CameraSettings(name="line1", address=server.address))
        eventually(lambda: len(calls) > 10)
        parts.cameras.remove("line1")
    eventually(lambda: parts.service.num_waiting == 0)
    eventually(lambda: len(list(parts.store.iterate(ResultFilter()))) == len(calls))
    stored = list(parts.store.iterate(ResultFilter()))
    ages_ms = [result.origin.frame_age_ms for result in stored]
    assert all(age is not None and age >= 0 for age in ages_ms)
    captured = [result.origin.captured_ms for result in stored]
    assert captured == sorted(captured)  # type: ignore[type-var]
    photos = [parts.store.photo(result.id) for result in stored]
    assert len({photo[0] for photo in photos if photo is not None}) == len(stored)


def test_a_camera_that_freezes_never_passes(open_parts: OpenParts) -> None:
    parts = open_parts()
    with mjpeg_server(interval_s=0.02) as server:
        server.is_frozen = True
        parts.cameras.add(CameraSettings(name="line1", address=server.address, frozen_s=0.2, trigger="http"))
        eventually(lambda: _fault(parts) == "frozen")
        frozen = parts.cameras.trigger("line1").result(PATIENCE_S)
        server.is_black = True
        eventually(lambda: _fault(parts) == "black")
        black = parts.cameras.trigger("line1").result(PATIENCE_S)
        server.is_paused.set()
        time.sleep(0.1)  # what was on its way has come
        stale = parts.cameras.trigger("line1").result(PATIENCE_S)
    outcomes = [(result.outcome.value, result.reason) for result in (frozen, black, stale)]
    assert outcomes == [("NO_DECISION", reason) for reason in ("frozen", "black", "stale")]
    for result in (frozen, black, stale):
        stored = parts.store.get(result.id)
        assert stored is not None
        assert stored.outcome.value == "NO_DECISION"


def _fault(parts: Parts) -> str | None:
    stats = parts.cameras.get("line1").camera
    return None if stats is None or stats.fault is None else stats.fault.value
