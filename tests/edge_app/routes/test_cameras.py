"""A camera is added, triggered, changed and removed over REST; passwords never come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.edge_app.cameras.fakes import eventually
from tests.edge_app.routes.device import BAD, Device, sentence_of

FOLDER = {"name": "top", "address": "folder:parts", "fps": 50, "trigger": "http", "lot": "L1"}
RTSP = {"name": "side", "address": "rtsp://user:geheim@192.0.2.1/line", "trigger": "http"}


def recorded(folder: Path) -> None:
    """Photos that `folder:parts` replays: the same part with other noise."""
    parts = folder / "state" / "recordings" / "parts"
    parts.mkdir(parents=True)
    frame = cv2.imdecode(np.frombuffer(BAD, np.uint8), cv2.IMREAD_COLOR)
    assert frame is not None
    for number in range(4):
        noisy = frame.copy()
        noisy[0, 0] = number
        cv2.imwrite(str(parts / f"{number}.png"), noisy)


def test_a_camera_lives_and_goes_over_rest(fresh: Device) -> None:
    recorded(fresh.folder)
    added = fresh.send("POST", "cameras", json=FOLDER)
    assert (added.status_code, added.headers["location"]) == (201, "/api/v1/cameras/top")
    assert (added.json()["kind"], added.json()["settings"]["fps"]) == ("folder", 50)
    eventually(lambda: fresh.get("cameras/top").json()["camera"]["state"] == "running")

    shot = fresh.send("POST", "cameras/top/trigger?lot=L2")
    result = shot.json()
    assert shot.status_code == 201
    assert (result["verdict"], result["origin"]["source"], result["origin"]["lot"]) == ("FAIL", "top", "L2")
    assert (result["origin"]["trigger"], result["stored"]) == ("http", True)
    assert fresh.get(f"inspections/{result['id']}").json() == result
    assert fresh.get("inspections?source=top").json()["items"] == [result]

    frame = fresh.get("cameras/top/frame.jpg")
    assert frame.headers["content-type"] == "image/jpeg"
    decoded = cv2.imdecode(np.frombuffer(frame.content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (128, 192, 3)

    changed = fresh.send("PUT", "cameras/top", json={**FOLDER, "name": "above", "lot": "L9"})
    assert changed.json()["settings"]["name"] == "above"
    assert sentence_of(fresh.get("cameras/top"), 404) == "there is no camera 'top'; there are: above"
    assert [one["settings"]["lot"] for one in fresh.get("cameras").json()["items"]] == ["L9"]
    gone = fresh.send("DELETE", "cameras/above")
    assert (gone.status_code, gone.content) == (204, b"")
    assert fresh.get("cameras").json() == {"items": []}


def test_a_password_goes_in_and_never_comes_out(fresh: Device) -> None:
    answers = [fresh.send("POST", "cameras", json=RTSP)]
    shown = answers[0].json()["settings"]
    answers.append(fresh.send("PUT", "cameras/side", json={**shown, "lot": "L3"}))
    answers += [fresh.get("cameras"), fresh.get("cameras/side"), fresh.get("health")]
    assert all("geheim" not in answer.text for answer in answers)
    assert "***" in shown["address"]
    assert "geheim" in (fresh.folder / "state" / "cameras.json").read_text()


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"fsp": 3}, 422, "key 'fsp' is not known; did you mean 'fps'?"),
        ({"fps": 0}, 422, "body.fps = '0' is not valid"),
        ({"tiles": {"size": 3}}, 422, "key 'size' is not known; did you mean 'size_px'?"),
        ({"address": "exec:rm"}, 422, "exec"),
        ({"address": "folder:../../etc"}, 422, "folder"),
        ({"address": "folder:nothing"}, 422, "nothing"),
        ({"name": "a b"}, 422, "body.name = 'a b' is not valid"),
        ({"roi": [[0, 0], [2, 2]]}, 422, "the region of interest"),
        ({"name": "side"}, 409, "there is a camera side already"),
    ],
)
def test_a_camera_that_cannot_be_is_refused_in_one_sentence(
    shared: Device, change: dict[str, Any], status: int, sentence: str
) -> None:
    if not shared.get("cameras").json()["items"]:
        assert shared.send("POST", "cameras", json=RTSP).status_code == 201
    answer = shared.send("POST", "cameras", json={**FOLDER, **change})
    assert sentence in sentence_of(answer, status)
    assert str(shared.folder) not in answer.text
    assert len(shared.get("cameras").json()["items"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "cameras/none", 404, "there is no camera 'none'"),
        ("DELETE", "cameras/none", 404, "there is no camera 'none'"),
        ("POST", "cameras/none/trigger", 404, "there is no camera 'none'"),
        ("GET", "cameras/none/frame.jpg", 404, "there is no camera 'none'"),
        ("POST", "cameras/none/trigger?lott=1", 422, "did you mean 'lot'?"),
    ],
)
def test_a_camera_that_is_not_there_is_a_404(
    shared: Device, method: str, path: str, status: int, sentence: str
) -> None:
    assert sentence in sentence_of(shared.send(method, path), status)
