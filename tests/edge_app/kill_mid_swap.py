"""Kills a process at every step of an upload and an activation, and says what the next start serves.

`python -m tests.edge_app.kill_mid_swap FOLDER` prints one JSON list. Nothing that starts threads runs before
the last fork, so that a child is a process of its own like any other.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime  # noqa: F401  (imported once, before the forks)

from edge_app.services.models import ModelHost
from tests.edge_app.model_bundles import bundle_of, load
from tests.tiny_bundle import expected_score, part


def main(folder: Path) -> None:
    """Print, for each kill point: the step, what served then, and whether the next start is in order."""
    old, new = bundle_of(folder, "1"), bundle_of(folder, "2")
    answers = []
    for number in range(1, 100):
        models = folder / f"models{number}"
        step, status = in_child(partial(change_and_die, models, old, new, die_at=number))
        if status == 0:
            break
        again, clean = in_child(partial(start_again, models, old, new))
        answers.append({"step": step, "signal": os.WTERMSIG(status), "ok": clean == 0, **json.loads(again)})
    print(json.dumps(answers))


def change_and_die(models: Path, old: Path, new: Path, *, die_at: int) -> str:
    """Start with `old`, upload and activate `new`; die of SIGKILL at the step with this number."""
    steps: list[str] = []
    is_started = False

    def on_step(step: str) -> None:
        if not is_started:
            return
        steps.append(step)
        if len(steps) == die_at:
            os.write(REPORT, step.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    host = ModelHost(models, load, on_step=on_step)
    host.start(old)
    is_started = True
    host.activate(host.upload(new.read_bytes()).stored.digest).result()
    host.close()
    return "done"


def start_again(models: Path, old: Path, new: Path) -> str:
    """Start with the same command line, inspect, and finish what was interrupted."""
    host = ModelHost(models, load)
    host.start(old)
    frame = part(5, defect=True)[0]
    with host.serving() as model:
        served = model.version.version
        worst = float(abs(model.score(frame) - expected_score(frame)).max())
    leftovers = [str(path.name) for path in (models / "versions").glob(".*")]
    host.activate(host.upload(new.read_bytes()).stored.digest).result()
    with host.serving() as model:
        finished = model.version.version
    host.close()
    told = {"served": served, "worst": worst, "leftovers": leftovers, "finished": finished}
    return json.dumps(told)


REPORT = -1


def in_child(job: Any) -> tuple[str, int]:
    """Run `job` in a forked process; return what it reported and its wait status."""
    global REPORT
    reading, REPORT = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(REPORT, job().encode())
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    os.close(REPORT)
    with os.fdopen(reading) as report:
        text = report.read()
    return text, os.waitpid(child, 0)[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
