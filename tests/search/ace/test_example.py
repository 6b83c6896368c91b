"""The example on scikit-learn runs as a user runs it, on the cluster that is there."""

import os
import re
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_ace_on_scikit_learn(ray_session, tmp_path):
    environment = {
        **os.environ,
        "RAY_ADDRESS": ray_session.get_runtime_context().gcs_address,
        "HOME": str(tmp_path),  # Ray's default folder for results
    }
    answer = subprocess.run(
        [sys.executable, "examples/ace_sklearn.py"], capture_output=True, text=True, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    found = re.search(r"AUC (0\.\d+), missed (0\.\d+)$", answer.stdout.strip())
    assert found, answer.stdout
    assert float(found[1]) > 0.95
    assert float(found[2]) <= 0.05
