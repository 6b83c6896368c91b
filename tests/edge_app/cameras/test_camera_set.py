"""Cameras are added, changed and removed at run time, kept in one file, and shown without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_app.access.reachable import AddressError
from edge_app.cameras.camera_set import MAX_CAMERAS, CameraExistsError, CameraSet, NoSuchCameraError
from edge_app.services.camera import CameraError, CameraSettings, CameraState
from edge_app.services.result import Outcome
from inspector.errors import StorageError
from tests.edge_app.cameras.fakes import PATIENCE_S, FakeInspector, eventually


class Hub(FakeInspector):
    """Takes files, too."""

    def submit(self, photo: bytes, *, media_type: str, **options: Any) -> Future[Any]:
        raise AssertionError("no file is dropped here")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    (folder / "good").mkdir(parents=True)
    for number in range(4):
        frame = np.random.default_rng(number).integers(60, 200, (24, 32, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / "good" / f"{number}.png"), frame)
    return folder


@pytest.fixture
def cameras(tmp_path: Path, recordings: Path) -> Iterator[CameraSet]:
    cameras = CameraSet(tmp_path / "cameras.json", Hub(), recordings=recordings)
    cameras.start()
    yield cameras
    cameras.close()


def folder_camera(name: str, **changes: Any) -> CameraSettings:
    return CameraSettings(
        **{"name": name, "address": "folder:good", "fps": 50, "trigger": "http", "lot": "L1", **changes}
    )


def rtsp_camera(name: str, **changes: Any) -> CameraSettings:
    mqtt = {"topic": "a", "port": 1, "username": "u", "password": "mqtt-secret"}
    fields = {"address": "rtsp://user:geheim@127.0.0.1:1/line", "trigger": "mqtt", "mqtt": mqtt}
    return CameraSettings(**{"name": name, **fields, **changes})


def test_a_camera_is_added_triggered_shown_and_removed(cameras: CameraSet) -> None:
    cameras.add(folder_camera("line1"))
    answer = cameras.trigger("line1", lot="L2").result(PATIENCE_S)
    assert (answer.outcome, answer.origin.source, answer.origin.lot) == (Outcome.PASS, "line1", "L2")
    assert answer.origin.frame_age_ms is not None
    (status,) = cameras.list()
    assert status.camera is not None
    assert (status.camera.state, status.camera.width, status.camera.height) == (CameraState.RUNNING, 32, 24)
    assert status.station.num_inspected == 1
    frame = cameras.latest("line1")
    assert frame is not None
    assert frame.frame.shape == (24, 32, 3)
    cameras.remove("line1")
    assert cameras.list() == []
    with pytest.raises(NoSuchCameraError, match="there is no camera 'line1'; there are: none"):
        cameras.get("line1")


def test_cameras_are_there_again_after_a_restart(
    cameras: CameraSet, tmp_path: Path, recordings: Path
) -> None:
    chosen = [folder_camera("b"), folder_camera("a", roi=[(0, 0), (1, 0), (1, 1)], tiles={"overlap": 0.5})]
    for settings in chosen:
        cameras.add(settings)
    cameras.close()
    again = CameraSet(tmp_path / "cameras.json", Hub(), recordings=recordings)
    again.start()
    assert [status.settings for status in again.list()] == [chosen[1], chosen[0]]
    assert again.trigger("b").result(PATIENCE_S).outcome is Outcome.PASS
    again.close()


def test_secrets_are_kept_in_a_private_file_and_shown_nowhere(cameras: CameraSet, tmp_path: Path) -> None:
    shown = cameras.add(rtsp_camera("line1")).settings
    assert shown.address == "rtsp://***@127.0.0.1:1/line"
    assert shown.mqtt is not None
    assert (shown.mqtt.username, shown.mqtt.password) == ("u", "***")
    file = tmp_path / "cameras.json"
    assert file.stat().st_mode & 0o777 == 0o600
    eventually(lambda: "no broker answers at 127.0.0.1:1" in cameras.get("line1").mqtt_error)
    seen = cameras.get("line1").camera
    assert seen is not None
    assert "geheim" not in repr(cameras.list())
    assert "mqtt-secret" not in repr(cameras.list())
    changed = shown.model_copy(update={"lot": "L2", "name": "line2"})
    cameras.replace("line1", changed)  # `***` comes back, and stands for what it was
    (record,) = json.loads(file.read_bytes())
    assert record["address"] == "rtsp://user:geheim@127.0.0.1:1/line"
    assert record["mqtt"]["password"] == "mqtt-secret"
    assert (record["name"], record["lot"]) == ("line2", "L2")
    assert [status.settings.name for status in cameras.list()] == ["line2"]


def test_what_cannot_work_is_refused_and_changes_nothing(cameras: CameraSet, tmp_path: Path) -> None:
    cameras.add(folder_camera("line1"))
    before = (tmp_path / "cameras.json").read_bytes()
    with pytest.raises(CameraExistsError, match="there is a camera line1 already"):
        cameras.add(folder_camera("line1"))
    with pytest.raises(CameraError, match="there is no 'bad' in"):
        cameras.add(folder_camera("line2", address="folder:bad"))
    with pytest.raises(AddressError, match="address 'exec:ls' is not known"):
        cameras.add(folder_camera("line2", address="exec:ls"))
    with pytest.raises(AddressError, match="metadata"):
        cameras.replace("line1", folder_camera("line1", address="http://169.254.169.254/"))
    with pytest.raises(CameraError, match="there is no 'drop' in"):
        cameras.add(CameraSettings(name="line2", trigger="file", file={"folder": "drop"}))
    with pytest.raises(NoSuchCameraError, match="there are: line1"):
        cameras.replace("line9", folder_camera("line9"))
    with pytest.raises(NoSuchCameraError, match="there are: line1"):
        cameras.remove("line9")
    assert (tmp_path / "cameras.json").read_bytes() == before
    assert [status.settings.name for status in cameras.list()] == ["line1"]


def test_a_change_that_cannot_be_written_is_not_made(cameras: CameraSet, tmp_path: Path) -> None:
    (tmp_path / "cameras.json").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        cameras.add(folder_camera("line1"))
    assert cameras.list() == []


def test_a_broken_file_is_said_and_a_camera_that_is_away_is_not(tmp_path: Path, recordings: Path) -> None:
    file = tmp_path / "cameras.json"
    for text, message in (("[{", "cameras.json"), ('[{"name": "a"}]', "every other trigger needs one")):
        file.write_text(text)
        with pytest.raises(CameraError, match=message):
            CameraSet(file, Hub(), recordings=recordings).start()
    away = [
        folder_camera("a", address="folder:gone"),
        rtsp_camera("b"),
        CameraSettings(name="c", trigger="file", file={"folder": "gone"}),
    ]
    file.write_text(json.dumps([settings.model_dump(mode="json") for settings in away]))
    cameras = CameraSet(file, Hub(), recordings=recordings)
    cameras.start()
    eventually(lambda: "there is no 'gone'" in _error(cameras, "a"))
    eventually(lambda: "gives no stream" in _error(cameras, "b"))
    eventually(lambda: "there is no 'gone'" in cameras.get("c").station.last_error)
    assert cameras.latest("c") is None
    cameras.close()


def _error(cameras: CameraSet, name: str) -> str:
    stats = cameras.get(name).camera
    assert stats is not None
    return stats.last_error


def test_there_is_a_limit(tmp_path: Path, recordings: Path) -> None:
    cameras = CameraSet(tmp_path / "cameras.json", Hub(), recordings=recordings)  # not started: files alone
    (recordings / "drop").mkdir()
    for number in range(MAX_CAMERAS):
        cameras.add(CameraSettings(name=f"d{number}", trigger="file", file={"folder": "drop"}))
    with pytest.raises(CameraError, match="there are 16 cameras, which is the limit"):
        cameras.add(folder_camera("one-more"))
    cameras.close()
