"""The pinned packages: what the project asks for, each with the sums of its files for both machines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ON_DEVICE = ("edge", "sign", "modbus")
DEVICES = ["jetson", "orin"]
RUNTIMES = {"jetson": "nano", "orin": "orin"}
EVERY_FILE = sorted([*ROOT.glob("edge_app/requirements-*.txt"), *ROOT.glob("deploy/requirements-*.txt")])


def pins(path: Path) -> dict[str, tuple[str, int]]:
    """Return version and number of sums of every pinned package."""
    found = {}
    for block in re.sub(r"\\\n", " ", path.read_text()).splitlines():
        if block.startswith("#") or not block.strip():
            continue
        match = re.fullmatch(r"([\w.-]+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", block)
        assert match, block[:80]  # no markers, no packages without sums
        found[canonicalize_name(match[1])] = (match[2], match[3].count("--hash"))
    return found


def asked(device: str) -> list[Requirement]:
    """Return the lines of the input file."""
    lines = (ROOT / f"edge_app/requirements-{device}.in").read_text().splitlines()
    return [Requirement(line.split("  #")[0]) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: path.name)
def test_every_package_is_pinned_and_has_its_sums(path):
    assert pins(path)


@pytest.mark.parametrize("device", DEVICES)
def test_the_pins_are_what_was_asked_for(device):
    found = pins(ROOT / f"edge_app/requirements-{device}.txt")
    for requirement in asked(device):
        version, _ = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize("device", DEVICES)
def test_all_that_the_project_needs_on_a_device_is_asked_for(device):
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = project["dependencies"] + [
        one for extra in ON_DEVICE for one in project["optional-dependencies"][extra]
    ]
    found = pins(ROOT / f"edge_app/requirements-{device}.txt")
    for requirement in map(Requirement, needed):
        version, _ = found[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize("device", DEVICES)
def test_the_runtime_is_not_there_twice(device):
    """onnxruntime and onnxruntime-gpu are one module: whichever is installed last would win."""
    assert "onnxruntime" not in pins(ROOT / f"edge_app/requirements-{device}.txt")
    assert list(pins(ROOT / f"deploy/requirements-cpu-{RUNTIMES[device]}.txt")) == ["onnxruntime"]


def test_compiled_packages_have_files_for_both_machines_and_pythons():
    found = pins(ROOT / "edge_app/requirements-jetson.txt")
    for name in ("numpy", "pydantic-core", "pyyaml", "httptools", "uvloop", "websockets"):
        assert found[name][1] >= 10, name
