"""The device's software on the device's Python and packages: the same answers, nothing lost by a kill.

Needs .venv38, which `tests/device_root/venv38.sh` makes of a Python 3.8; skips without.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.device_root import compare, material, on_device
from tests.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[2]
PYTHON38 = ROOT / ".venv38" / "bin" / "python"
EVERYTHING = """
import importlib, pkgutil, sys
import edge_app, inspector
for top in (edge_app, inspector):
    for module in pkgutil.walk_packages(top.__path__, top.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""


@pytest.fixture
def python38():
    if not PYTHON38.exists():
        pytest.skip("there is no .venv38; tests/device_root/venv38.sh makes it of a Python 3.8")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(PYTHON38), "-B", "-W", "error::SyntaxWarning", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


def test_every_module_can_be_imported(python38):
    names = python38("-c", EVERYTHING).split()
    assert {"edge_app.cli", "edge_app.store.writer", "inspector.runtime.engine_build"} <= set(names)


@pytest.mark.slow
def test_answers_server_store_and_camera(python38, tmp_path):
    write_tiny_bundle(tmp_path / material.BUNDLE)
    material.write_photos(tmp_path)
    scores, facts = on_device.answers(tmp_path)
    on_device.write(tmp_path, "expected", scores, facts)
    python38("-m", "tests.device_root.on_device", "all", str(tmp_path), "found")
    assert compare.problems(tmp_path) == []
