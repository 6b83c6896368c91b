"""`inspector inspect` judges what it can read, says what it cannot, and needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from inspector.errors import BundleError, InputError, InspectorError
from inspector.image_file import read_frame
from inspector.verbs.inspect import app
from tests.tiny_bundle import part, write_tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny.bundle")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "second").mkdir(parents=True)
    cv2.imwrite(str(folder / "good.png"), part(1, defect=False, scale=3)[0])
    cv2.imwrite(str(folder / "bad.png"), part(2, defect=True, scale=3)[0])
    cv2.imwrite(str(folder / "second" / "bad.png"), part(3, defect=True)[0])
    return folder


def _run(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    answer: dict[str, object] = json.loads(result.stdout)
    return answer


def test_verdicts_regions_and_overlays(bundle: Path, photos: Path, tmp_path: Path) -> None:
    answer = _run(bundle, photos, "--out", tmp_path / "out")
    assert answer["counts"] == {"PASS": 1, "REVIEW": 0, "FAIL": 2}
    assert answer["failed"] == []
    results = {str(Path(r["file"]).relative_to(photos)): r for r in answer["results"]}  # type: ignore[attr-defined]
    assert results["good.png"]["verdict"] == "PASS"
    assert results["good.png"]["regions"] == []
    (region,) = results["bad.png"]["regions"]
    assert abs(region["x"] + region["width"] / 2 - 60) <= 6  # the middle of the square, in frame pixels
    assert abs(region["y"] + region["height"] / 2 - 42) <= 6
    assert sorted(
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")
    ) == [
        "bad_overlay.png",
        "good_overlay.png",
        "second/bad_overlay.png",
    ]
    assert read_frame(Path(results["bad.png"]["overlay"])).shape == (96, 144, 3)


def test_tiles_find_what_shrinking_hides(bundle: Path, tmp_path: Path) -> None:
    """A spot of 6 px on a photo 20 times as large as the network's input."""
    frame = np.full((640, 960, 3), 100, np.uint8)
    frame[301:307, 501:507] = 255
    cv2.imwrite(str(tmp_path / "large.png"), frame)
    assert _run(bundle, tmp_path / "large.png")["counts"] == {"PASS": 1, "REVIEW": 0, "FAIL": 0}
    for arguments in (("--tiles", 0), ("--tiles", 64, "--tile-overlap", 0.5)):
        answer = _run(bundle, tmp_path / "large.png", *arguments, "--out", tmp_path / "out")
        assert answer["counts"] == {"PASS": 0, "REVIEW": 0, "FAIL": 1}
        (region,) = answer["results"][0]["regions"]  # type: ignore[index]
        assert abs(region["x"] + region["width"] / 2 - 504) <= 2
        assert abs(region["y"] + region["height"] / 2 - 304) <= 2
    with pytest.raises(InputError, match=r"give 0 to 0\.5"):
        _run(bundle, tmp_path / "large.png", "--tiles", 0, "--tile-overlap", 0.9)


def test_files_of_the_same_name_keep_their_own_overlay(bundle: Path, photos: Path, tmp_path: Path) -> None:
    answer = _run(bundle, photos / "bad.png", photos / "second" / "bad.png", "--out", tmp_path / "out")
    overlays = [Path(r["overlay"]).name for r in answer["results"]]  # type: ignore[attr-defined]
    assert overlays == ["bad_overlay.png", "bad_2_overlay.png"]


def test_overlays_inside_the_photos_are_not_inspected_again(bundle: Path, photos: Path) -> None:
    for _ in range(2):
        answer = _run(bundle, photos, "--out", photos / "out")
        assert len(answer["results"]) == 3  # type: ignore[arg-type]


def test_the_table_is_for_people(bundle: Path, photos: Path) -> None:
    result = CliRunner().invoke(app, [str(bundle), str(photos)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "3 inspected: 1 PASS, 0 REVIEW, 2 FAIL" in result.stdout
    assert str(photos / "good.png") in result.stdout


def test_unreadable_photos_are_reported_and_the_rest_goes_on(bundle: Path, photos: Path) -> None:
    (photos / "broken.png").write_bytes((photos / "good.png").read_bytes()[:200])
    (photos / "empty").mkdir()
    result = CliRunner().invoke(
        app, [str(bundle), str(photos), str(photos / "gone.png"), str(photos / "empty"), "--json"]
    )
    answer = json.loads(result.stdout)
    assert len(answer["results"]) == 3
    assert [Path(row["file"]).name for row in answer["failed"]] == ["broken.png", "gone.png", "empty"]
    assert all(Path(row["file"]).name in row["error"] for row in answer["failed"])
    assert isinstance(result.exception, InspectorError)
    assert result.exception.exit_status == 1
    assert "3 of 6 photos could not be read, for example" in str(result.exception)


def test_every_nth_frame_of_a_video(bundle: Path, tmp_path: Path) -> None:
    video = tmp_path / "line.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (144, 96))  # type: ignore[attr-defined]
    for number in range(7):
        writer.write(part(number, defect=number >= 4, scale=3)[0])
    writer.release()
    answer = _run(bundle, video, "--every", 3, "--out", tmp_path / "out")
    results: list[dict[str, str]] = answer["results"]  # type: ignore[assignment]
    assert [(row["file"], row["verdict"]) for row in results] == [
        (f"{video}#0", "PASS"),
        (f"{video}#3", "PASS"),
        (f"{video}#6", "FAIL"),
    ]
    assert (tmp_path / "out" / "line_000006_overlay.png").is_file()


def test_a_file_that_is_no_video_is_reported(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "line.mp4").write_bytes(b"no video")
    result = CliRunner().invoke(app, [str(bundle), str(tmp_path / "line.mp4"), "--json"])
    assert "line.mp4 is not a video that can be read" in json.loads(result.stdout)["failed"][0]["error"]


def test_every_below_one_is_refused(bundle: Path, photos: Path) -> None:
    with pytest.raises(InputError, match="every is 0"):
        _run(bundle, photos, "--every", 0)


def test_a_changed_bundle_is_refused(bundle: Path, photos: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[data.index(b"# tiny")] ^= 1
    bundle.write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"card\.md|not a readable bundle"):
        _run(bundle, photos)


def test_neither_verb_imports_torch() -> None:
    code = (
        "import sys, inspector.verbs.inspect, inspector.verbs.evaluate\n"
        "heavy = {'torch', 'torchvision', 'onnx', 'matplotlib', 'search', 'export'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_gray_photos_are_inspected(bundle: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "gray.png"), np.full((40, 60), 100, np.uint8))
    assert _run(bundle, tmp_path / "gray.png")["counts"] == {"PASS": 1, "REVIEW": 0, "FAIL": 0}
