"""Wheels that are not on PyPI: taken by their sums, or not at all."""

from __future__ import annotations

import hashlib
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPT = DEPLOY / "fetch_wheels.py"
fetching = SimpleNamespace(**runpy.run_path(str(SCRIPT)))  # a script, in no package
DATA = b"a wheel"
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def url(tmp_path):
    (tmp_path / "there.whl").write_bytes(DATA)
    return (tmp_path / "there.whl").as_uri()


def wheel(url: str, sha256: str = SUM):
    return fetching.Wheel("nano", "a-1.0-py3-none-any.whl", sha256, url)


def test_a_wheel_with_its_sum_is_taken(url, tmp_path, capsys):
    path = fetching.fetch(wheel(url), tmp_path / "wheels")
    assert path.read_bytes() == DATA
    assert "as listed" in capsys.readouterr().out


def test_a_wheel_with_another_sum_leaves_no_file(url, tmp_path):
    with pytest.raises(fetching.WheelError, match=f"has the sum {SUM}, the list says 000"):
        fetching.fetch(wheel(url, "0" * 64), tmp_path / "wheels")
    assert list((tmp_path / "wheels").iterdir()) == []


def test_an_unknown_sum_is_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(fetching.WheelError, match=r"is not known; .* --build-arg ACCEPT_UNVERIFIED=1"):
        fetching.fetch(wheel("http://127.0.0.1:1/none", "UNVERIFIED"), tmp_path / "wheels")


def test_an_unknown_sum_that_is_accepted_is_printed(url, tmp_path, capsys):
    path = fetching.fetch(wheel(url, "UNVERIFIED"), tmp_path, accept_unverified=True)
    assert path.read_bytes() == DATA
    assert f"sha256 {SUM}, UNVERIFIED" in capsys.readouterr().out


def test_accepting_unknown_sums_accepts_no_wrong_one(url, tmp_path):
    with pytest.raises(fetching.WheelError, match="the list says"):
        fetching.fetch(wheel(url, "0" * 64), tmp_path, accept_unverified=True)


def test_a_wheel_that_is_gone_is_an_error_with_its_address(tmp_path):
    with pytest.raises(fetching.WheelError, match=r"cannot fetch a-1.0-py3.* from file:///nowhere"):
        fetching.fetch(wheel("file:///nowhere/a.whl"), tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nano a.whl UNVERIFIED\n", "is not DEVICE FILE SHA256 URL"),
        ("orin a.whl UNVERIFIED http://x\n", "no wheels for 'nano'; it has them for: orin"),
    ],
)
def test_a_list_that_cannot_be_used(text, message):
    with pytest.raises(fetching.WheelError, match=message):
        fetching.wheels_of(text, "nano")


@pytest.mark.parametrize("device", ["nano", "orin"])
def test_the_list_of_the_project(device):
    for one in fetching.wheels_of((DEPLOY / "wheels.txt").read_text(), device):
        assert one.url.startswith("https://")
        assert one.file.endswith("linux_aarch64.whl")
        assert one.sha256 == "UNVERIFIED" or len(bytes.fromhex(one.sha256)) == 32


def test_the_build_stops_at_an_unknown_sum(tmp_path):
    command = [sys.executable, str(SCRIPT), str(DEPLOY / "wheels.txt"), "nano", str(tmp_path)]
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error: the sum of onnxruntime_gpu-1.11.0-cp38")
