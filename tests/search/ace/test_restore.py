"""A driver is killed in the middle: Tuner.restore goes on with the same history, and ends undisturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.search.ace.curve import curve_trainable
from tests.search.ace.expected import plain, walk
from tests.search.ace.resumed import CURVES, NAME, T, scheduler

pytestmark = [pytest.mark.filterwarnings("ignore::ResourceWarning")]  # Ray's own files and sockets


def run_and_kill(address: str, folder: Path, how: signal.Signals, *, after: int) -> None:
    """Start the experiment, send a signal once its books hold `after` reports, and wait for its end."""
    environment = {**os.environ, "TUNE_GLOBAL_CHECKPOINT_S": "0.2", "PYTHONPATH": str(Path.cwd())}
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.search.ace.killed_driver", address, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    )
    assert driver.stdout is not None
    said = []
    for line in driver.stdout:
        said.append(line)
        if line.strip().isdigit() and int(line) >= after:
            driver.send_signal(how)
            break
    driver.communicate(timeout=60)
    assert any(line.strip().isdigit() for line in said), "".join(said)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_restored_equals_undisturbed(ray_session, tmp_path, how):
    from ray import tune

    from search.ace import read_books

    run_and_kill(ray_session.get_runtime_context().gcs_address, tmp_path, how, after=40)
    before = {(r.trial_id, r.iteration): r for r in read_books(tmp_path / NAME).records()}
    assert 0 < len(before) < T * len(CURVES)
    restored = tune.Tuner.restore(str(tmp_path / NAME), scheduler().trainable(curve_trainable()))
    results = restored.fit()
    assert results.num_errors == 0
    after = read_books(tmp_path / NAME)
    expected, trials = walk(CURVES, after.options)
    order = after.trials()
    assert [plain(after.course(trial)) for trial in order] == [plain(records) for records in trials]
    assert {order.index(trial) for trial in after.stops} == {int(trial) for trial in expected.stops}
    kept = {(r.trial_id, r.iteration): r for r in after.records()}
    assert {key: plain([kept[key]]) for key in before} == {key: plain([r]) for key, r in before.items()}
