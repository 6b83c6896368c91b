"""The verb on a bundle that finds bright pixels alone: dark spots are never found."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from inspector.cli import run
from tests.tiny_bundle import write_tiny_bundle, write_tiny_dataset


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny.bundle")


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_dataset(tmp_path_factory.mktemp("data") / "part")


def test_bright_spots_are_found_where_they_are_strong_and_large(
    bundle: Path, part: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--sizes", "1,12", "--contrasts", "0.1,0.5", "--grid", "2", "--reliable", "0.5"]
    command = ["detectability", str(bundle), str(part), *arguments, "--mm-per-px", "0.1"]
    assert run([*command, "--out", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert answer["rates"] == [[0.0, 0.0], [0.0, pytest.approx(0.5)]]  # half of them are dark
    assert answer["smallest_px"] == [None, 12.0]
    assert answer["smallest_at_places_px"] == [[None, None]] * len(answer["smallest_at_places_px"])
    assert "12 px (1.2 mm)" in said.err
    assert cv2.imread(answer["picture"]) is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sizes", "a"], "--sizes is 'a'"),
        (["--contrasts", "2"], "up to 1"),
        (["--mm-per-px", "0"], "a pixel is larger than 0"),
        (["--grid", "0"], "choose 1 to 50 places"),
    ],
)
def test_bad_usage(
    arguments: list[str], sentence: str, bundle: Path, part: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["detectability", str(bundle), str(part), *arguments]) == 2
    assert sentence in capsys.readouterr().err
