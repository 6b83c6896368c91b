"""The example on Hugging Face's DistilBERT runs as a user runs it, on the cluster that is there, offline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="an example's dependency, in the extra `dev`")


@pytest.mark.slow
def test_ace_on_hugging_face(ray_session: Any, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "RAY_ADDRESS": ray_session.get_runtime_context().gcs_address,
        "HOME": str(tmp_path),  # Ray's default folder for results
        "HF_HUB_OFFLINE": "1",
    }
    answer = subprocess.run(
        [sys.executable, "examples/ace_huggingface.py"], capture_output=True, text=True, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    found = re.search(r"accuracy ([01]\.\d+), failure rate (0\.\d+)$", answer.stdout.strip())
    assert found, answer.stdout
    assert float(found[1]) > 0.5
    assert float(found[2]) <= 0.1
