import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inspector import download as download_module
from inspector.errors import DatasetError, InputError
from inspector.verbs.data import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_info_prints_a_table_and_the_warnings(mvtec: Path) -> None:
    result = run("info", str(mvtec))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        f"folder   {mvtec}",
        "layout   mvtec",
        "images       12  train good",
        "              2  test good",
        "              3  test scratch",
    ]
    assert lines[-1].startswith("warning  few good images: 12 good images; below 50")


def test_info_json_is_one_object_and_nothing_else(mvtec: Path) -> None:
    result = run("info", str(mvtec), "--json")
    report = json.loads(result.stdout)
    assert report["parts"] == {"train good": 12, "test good": 2, "test scratch": 3}
    assert report["sizes"] == [{"width": 80, "height": 60, "images": 17}]
    assert report["usable"] is True
    assert "folder" in result.stderr


def test_info_of_an_unusable_folder_prints_all_and_ends_with_2(mvtec: Path) -> None:
    (mvtec / "train/good/000.png").write_bytes(b"broken")
    (mvtec / "test/scratch/001.png").unlink()
    result = run("info", str(mvtec), "--json")
    report = json.loads(result.stdout)
    assert [problem["kind"] for problem in report["errors"]] == ["mask without an image", "unreadable image"]
    assert isinstance(result.exception, DatasetError)
    assert result.exception.exit_status == 2
    assert "and 1 more of the errors above" in str(result.exception)


def test_info_of_an_empty_folder(tmp_path: Path) -> None:
    result = run("info", str(tmp_path))
    assert isinstance(result.exception, DatasetError)
    assert "holds no images" in str(result.exception)


def test_download_wants_the_licence_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_module, "fetch", lambda *_, **__: pytest.fail("downloaded"))
    result = run("download", "MVTec-AD", "--out", str(tmp_path))
    assert isinstance(result.exception, InputError)
    assert "--accept-licence" in str(result.exception)
    assert "CC BY-NC-SA 4.0" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_download_reports_what_it_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake_fetch(url: str, path: Path, **_: object) -> str:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("top/MT_Free/Imgs/a.jpg", b"x")
        return "0" * 64

    monkeypatch.setattr(download_module, "fetch", fake_fetch)
    result = run("download", "magnetic-tile", "--out", str(tmp_path), "--accept-licence", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert answer["folder"] == str(tmp_path / "magnetic_tile")
    assert (answer["files"], answer["verified"]) == (1, False)
    assert f"next: inspector data info {tmp_path / 'magnetic_tile'}" in result.stderr


@pytest.mark.parametrize("verb", ["info", "download"])
def test_help_has_an_example(verb: str) -> None:
    assert f"Example: inspector data {verb}" in run(verb, "--help").stdout
