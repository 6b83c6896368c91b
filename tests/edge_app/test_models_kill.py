"""SIGKILL at each step of an upload and an activation: the next start always serves a good model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.edge_app.serving import ROOT, environment

# Up to here the old model starts again, from here on the new one.
TURNING_POINT = "pointers replaced"


def test_a_kill_at_any_step_leaves_a_good_model(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.edge_app.kill_mid_swap", str(tmp_path)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    activation = [answer["step"] for answer in answers][-8:]
    assert activation == [
        "loaded",
        "warmed up",
        "tested",
        "pointers written",
        TURNING_POINT,
        "swapped",
        "released",
        "unloaded",  # the server stops
    ]
    assert [answer["step"] for answer in answers[:2]] == ["written", "stored"]
    turn = len(answers) - 4
    for number, answer in enumerate(answers):
        assert answer["signal"] == signal.SIGKILL, answer
        assert answer["ok"], (answer, done.stderr)
        assert answer["served"] == ("1" if number < turn else "2"), answer
        assert answer["worst"] < 1e-4, answer
        assert answer["leftovers"] == [], answer
        assert answer["finished"] == "2", answer
