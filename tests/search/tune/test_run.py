"""A whole tuning on a small drawn data set, killed and continued, from the recipe to the exported network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from export.finished_run import load_trained
from inspector.console import Console
from inspector.errors import RunError, TrainingError
from search.ace.measured import read_lines
from search.events import EventLog
from search.run_folder import RunFolder, load_network, load_result
from search.tune.experiment import tuning_folder
from search.tune.report import write_tune_report
from search.tune.run import run_tune
from tests.conftest import write_mvtec
from tests.search.tune.conftest import GENES, tiny_tune

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # Ray's own files and sockets
]
QUIET = Console(json_output=True)


def kill_after(address: str, data: Path, run: Path, *, reports: int) -> list[str]:
    """Start a tuning in a process, kill it after some reports, and return the trials that reported."""
    environment = {**os.environ, "TUNE_GLOBAL_CHECKPOINT_S": "0.1", "PYTHONPATH": str(Path.cwd())}
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.search.tune.killed_tune", address, str(data), str(run)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    )
    log = tuning_folder(run).log
    while len(read_lines(log)) < reports:
        assert driver.poll() is None, driver.communicate()[1].decode()
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=60)
    return [line.trial for line in read_lines(log)]


@pytest.fixture(scope="module")
def killed_and_continued(
    ray_session: Any, parts: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any], list[str], str]:
    """The run, its result, the trials of the reports before the kill, and the log as the kill left it."""
    run = tmp_path_factory.mktemp("runs") / "tuned"
    address = ray_session.get_runtime_context().gcs_address
    before = kill_after(address, parts, run, reports=4)
    log = tuning_folder(run).log.read_text()
    return run, run_tune(tiny_tune(parts), run, console=QUIET), before, log


def test_a_killed_tuning_keeps_what_it_measured_and_goes_on(
    killed_and_continued: tuple[Path, dict[str, Any], list[str], str],
) -> None:
    run, result, before, log = killed_and_continued
    after = tuning_folder(run).log.read_text()
    assert after.startswith(log)
    trials = list(dict.fromkeys(line.trial for line in read_lines(tuning_folder(run).log)))
    assert trials[: len(set(before))] == list(dict.fromkeys(before))
    assert result["tune"]["num_trials"] == len(trials) == 3
    states = [(e["stage"], e["state"]) for e in EventLog.read(run / "events.jsonl") if e["kind"] == "stage"]
    assert states == [
        ("tuning", "started"),
        ("tuning", "started"),
        ("tuning", "finished"),
        ("evaluation", "started"),
        ("evaluation", "finished"),
    ]


def test_the_result_is_that_of_a_finished_run_with_the_chosen_configuration(
    killed_and_continued: tuple[Path, dict[str, Any], list[str], str],
) -> None:
    run, result, *_ = killed_and_continued
    assert json.loads((run / "result.json").read_text()) == result
    record = load_result(run)
    assert (record.state, record.space, record.genes) == ("finished", "unet", GENES)
    assert record.metrics["num_defect"] == 3
    tuned = result["tune"]
    assert tuned["constraints"].keys() == tuned["thresholds"].keys() == {"false_rejects", "robustness"}
    assert all(value <= tuned["thresholds"][name] for name, value in tuned["constraints"].items())
    assert set(tuned["failures_by_kind"]) == {"exposure", "shift"}
    training = record.recipe["retraining"]
    assert (training["learning_rate"], training["steps"]) == (tuned["config"]["learning_rate"], 6)
    assert record.recipe["loss"]["focal_gamma"] == tuned["config"]["focal_gamma"]


def test_the_promoted_network_can_be_exported(
    killed_and_continued: tuple[Path, dict[str, Any], list[str], str],
) -> None:
    run, result, *_ = killed_and_continued
    net = load_network(run)
    assert sum(parameter.numel() for parameter in net.parameters()) == result["params"]
    assert load_trained(run).spec.digits == GENES
    assert not (tuning_folder(run).path / "feasible").exists()


def test_the_report_tells_courses_reasons_and_choices(
    killed_and_continued: tuple[Path, dict[str, Any], list[str], str],
) -> None:
    run, result, *_ = killed_and_continued
    page = (run / "report.html").read_text()
    for text in (
        "Tuning report",
        "Failure rate under perturbations",
        "Good validation images rejected",
        "Learning rate",
        "promoted",
        "ended at iteration",
        "Theorem 2",
        "Metrics on real test images",
    ):
        assert text in page
    assert "not finished" not in page
    assert page.count('<tr class="winner">') == 1
    before = (run / "report.html").read_bytes()
    assert run_tune(tiny_tune(Path(result["data"]["root"])), run, console=QUIET) == result
    assert (run / "report.html").read_bytes() == before


def test_another_recipe_or_other_photos_are_refused(
    killed_and_continued: tuple[Path, dict[str, Any], list[str], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, result, *_ = killed_and_continued
    with pytest.raises(RunError, match=r"begun with another recipe \(tune\.iterations was 3, now 4"):
        run_tune(tiny_tune(Path(result["data"]["root"]), {"tune": {"iterations": 4}}), run, console=QUIET)
    fresh = tmp_path / "fresh"
    root = write_mvtec(tmp_path / "parts")
    recipe = tiny_tune(root)
    with RunFolder(fresh).claimed(recipe), EventLog(fresh / "events.jsonl") as log:
        log.write("code", version="0.0.1")
        log.write("data", fingerprint="of other photos")
    with pytest.raises(RunError, match=r"the photos have changed since .*fresh was begun"):
        run_tune(recipe, fresh, console=QUIET)
    assert "begun with version 0.0.1 and goes on with" in capsys.readouterr().err


def test_a_budget_shorter_than_one_trial_says_so(ray_session: Any, parts: Path, tmp_path: Path) -> None:
    run = tmp_path / "short"
    with pytest.raises(TrainingError, match=r"no trial finished an iteration within 1e-06 s"):
        run_tune(tiny_tune(parts, {"tune": {"seconds": 1e-6}}), run, console=QUIET)
    assert "not finished" in write_tune_report(run).read_text()
