"""A run that is killed 20 times ends like one that nobody touched: genes, weights, metrics, event log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from search.events import Event, EventLog, latest
from search.training.checkpoint import load_checkpoint
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

ROOT = Path(__file__).parents[2]
MEASURED_TIMES = {"time", "steps_per_s"}
KEYS = {
    "stage": ["stage", "state"],
    "step": ["stage", "step"],
    "candidate": ["genes"],
    "rejected": ["generation", "genes"],
    "generation": ["generation"],
}


def result_without_times(run: Path) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((run / "result.json").read_text())
    del result["seconds"], result["metrics"]["latency_ms_median"]
    return result


def course(run: Path) -> dict[str, list[Event]]:
    """What happened, each thing once and without the times."""
    events = EventLog.read(run / "events.jsonl")
    return {
        kind: [{k: v for k, v in e.items() if k not in MEASURED_TIMES} for e in latest(events, kind, key)]
        for kind, key in KEYS.items()
    }


def assert_same_tensors(a: Any, b: Any, where: str) -> None:
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a.keys() - {"seconds"}:
            assert_same_tensors(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b), where
    else:
        assert a == b, where


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_run_killed_at_20_random_moments_ends_like_an_uninterrupted_one(tmp_path: Path) -> None:
    write_mvtec(tmp_path / "parts")
    limits = {"max_params_m": 0.0355}  # tight enough that some candidates are rejected
    (tmp_path / "recipe.yaml").write_text(tiny_recipe(tmp_path / "parts", {"limits": limits}).as_yaml())
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.dying_runs", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert sum(answer["kills"].values()) == 20
    assert len(answer["kills"]) == 5  # every way of dying was met

    whole = tmp_path / "whole"
    assert answer["finished"]
    assert all(course(whole).values())  # also something was rejected
    for name in answer["finished"]:
        run = tmp_path / name
        assert result_without_times(run) == result_without_times(whole)
        assert course(run) == course(whole)
        assert (run / "report.html").exists()
        for checkpoint in ("one_shot", "retraining", "final"):
            state = load_checkpoint(run / f"checkpoints/{checkpoint}.pt")
            assert state is not None
            other = load_checkpoint(whole / f"checkpoints/{checkpoint}.pt")
            assert_same_tensors(state, other, f"{name}/{checkpoint}")
        assert not list((run / "checkpoints").glob("*.part"))
