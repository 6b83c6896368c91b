"""The whole journey as a newcomer runs it: `inspector demo`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inspector.bundle import Bundle


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    out = tmp_path_factory.mktemp("demo") / "demo"
    command = [
        sys.executable,
        "-c",
        "from inspector.cli import main; main()",
        "demo",
        "--out",
        str(out),
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_demo_finds_real_defects_that_it_never_saw(demo):
    assert demo["pixel_auroc"] >= 0.95
    assert demo["pixel_aupr"] >= 0.6
    assert demo["seconds"] > 0


@pytest.mark.slow
def test_demo_leaves_a_bundle_that_verifies_and_a_report(demo):
    assert Bundle.open(Path(demo["bundle"])).manifest.name == "demo-part"
    assert "</html>" in Path(demo["report"]).read_text()
