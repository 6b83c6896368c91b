"""What a camera's settings allow, and where its address leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_app.access.reachable import AddressError
from edge_app.cameras.address import below, hidden_login, source_request, without_secrets
from edge_app.services.camera import CameraError, CameraSettings
from inspector.view import Tiles, View

TRIANGLE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "rest"}, "`rest` is the source of posted photos"),
        ({"name": "../up"}, "String should match pattern"),
        ({"name": "a" * 41}, "String should match pattern"),
        ({"address": ""}, "every other trigger needs one"),
        ({"trigger": "mqtt"}, "`mqtt` settings go with the trigger `mqtt`, and only so"),
        ({"mqtt": {"topic": "a"}}, "`mqtt` settings go with the trigger `mqtt`, and only so"),
        ({"trigger": "mqtt", "mqtt": {"topic": "a/#"}}, "String should match pattern"),
        ({"trigger": "file", "file": {"folder": "drop"}}, "the `file` trigger has no address"),
        ({"trigger": "file", "address": "", "file": {"folder": "../drop"}}, "String should match pattern"),
        ({"width": 640}, "give both width and height"),
        ({"fps": 0}, "greater than 0"),
        ({"roi": TRIANGLE[:2]}, "the region of interest has 2 points"),
        ({"ignore": [[(0, 0), (2, 0), (1, 1)]]}, "area 1 to ignore has a point outside"),
        ({"tiles": {"overlap": 0.9}}, "less than or equal to 0.5"),
        ({"command": "rm"}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CameraSettings(**{"name": "line1", "address": "v4l2:0", **changes})


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("v4l2:0", "v4l2"),
        ("csi:0", "csi"),
        ("RTSP://10.0.0.1/a", "rtsp"),
        ("rtsps://10.0.0.1/a", "rtsp"),
        ("https://10.0.0.1/a", "mjpeg"),
        ("video:a.mp4", "video"),
        ("folder:good", "folder"),
    ],
)
def test_the_kind_follows_from_the_address(address: str, kind: str) -> None:
    assert CameraSettings(name="a", address=address).kind == kind


def test_the_view_and_a_round_trip_through_json() -> None:
    settings = CameraSettings(
        name="a", address="v4l2:0", roi=TRIANGLE, ignore=[TRIANGLE], tiles={"size_px": 64}, lot="L"
    )
    assert settings.view() == View(tuple(TRIANGLE), (tuple(TRIANGLE),), Tiles(size_px=64))
    assert CameraSettings.model_validate_json(settings.model_dump_json()) == settings
    assert CameraSettings(name="a", address="v4l2:0").view() is None


@pytest.mark.parametrize(
    "address",
    [
        "exec:rm -rf /",
        "file:///etc/passwd",
        "concat:/etc/passwd",
        "pipe:0",
        "/etc/passwd",
        "udp://10.0.0.1",
        "v4l2:/etc/passwd",
        "video:../secret.mp4",
        "video:/etc/passwd",
        "folder:a/b",
        "http://169.254.169.254/latest/meta-data",
        "rtsp://224.0.0.1/a",
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, address: str) -> None:
    settings = CameraSettings(name="a", address=address)
    with pytest.raises(AddressError, match="address"):
        source_request(settings, recordings=tmp_path)


def test_recordings_are_found_below_their_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "secret.mp4").write_bytes(b"")
    (tmp_path / "recordings" / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    (tmp_path / "recordings" / "line.mp4").write_bytes(b"")
    folder = tmp_path / "recordings"
    settings = CameraSettings(name="a", address="video:line.mp4", fps=5, loop=False)
    request = source_request(settings, recordings=folder, first_seq=7)
    assert (request.kind, request.place) == ("video", str(folder / "line.mp4"))
    assert (request.fps, request.loop, request.first_seq) == (5, False, 7)
    for name in ("link.mp4", "gone.mp4", "..", "../secret.mp4"):
        with pytest.raises(CameraError, match="there is no "):
            below(folder, name)


def test_a_network_camera_is_opened_by_the_address_that_was_checked(tmp_path: Path) -> None:
    settings = CameraSettings(name="a", address="rtsp://user:se%2Fcret@127.0.0.1:8554/line?x=1")
    request = source_request(settings, recordings=tmp_path)
    assert request.place == "rtsp://user:se%2Fcret@127.0.0.1:8554/line?x=1"
    assert (request.username, request.password) == ("user", "se/cret")
    message = without_secrets("cannot open rtsp://user:se%2Fcret@127.0.0.1/line: se/cret", request)
    assert message == "cannot open rtsp://***@127.0.0.1/line: ***"
    assert hidden_login(settings.address) == "rtsp://***@127.0.0.1:8554/line?x=1"
    web = source_request(CameraSettings(name="a", address="https://127.0.0.1/a"), recordings=tmp_path)
    assert (web.kind, web.place, web.port, web.target, web.is_tls) == ("mjpeg", "", 443, "/a", True)
