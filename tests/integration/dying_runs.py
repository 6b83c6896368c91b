"""Starts a search again and again and kills it each time: by a timer, or by itself at the worst moments.

A process of its own: it imports torch once, runs nothing with it, and forks one child a start.
Prints one JSON object: how often each way of dying was met, and which run folders were finished after kills.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import search.autodd.run as run_module
from inspector.console import Console
from search.autodd.run import run_search
from search.events import EventLog
from search.recipe import Recipe, load_recipe

# 20 kills; the number says at which call a child kills itself at the latest.
WAYS = [
    *[("timer", 0)] * 11,
    *[("half a checkpoint", 4)] * 3,
    *[("before the new checkpoint is named", 4)] * 3,
    *[("half an event", 12)] * 2,
    ("before the report", 1),
]
MAX_STARTS = 80


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def on_call(number: int, real: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """Call `real`, and at the call with this number `instead`."""
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        return instead(*args, **kwargs) if calls == number else real(*args, **kwargs)

    return counted


def arm(way: str, call: int) -> None:
    """Let this process kill itself in the given way."""
    save, fsync, append = torch.save, os.fsync, EventLog._append

    def half_a_checkpoint(state: Any, file: Any) -> None:
        save(state, file)
        file.flush()
        file.truncate(file.tell() // 2)
        die()

    def half_an_event(log: EventLog, line: bytes) -> None:
        append(log, line[: len(line) // 2])
        die()

    if way == "half a checkpoint":
        torch.save = on_call(call, save, half_a_checkpoint)
    elif way == "before the new checkpoint is named":
        os.fsync = on_call(call, fsync, lambda _file: die())
    elif way == "half an event":
        EventLog._append = on_call(call, append, half_an_event)  # type: ignore[method-assign]
    elif way == "before the report":
        setattr(run_module, "write_report", lambda *_args, **_kwargs: die())  # noqa: B010


def start(
    recipe: Recipe, run: Path, *, way: str = "none", call: int = 0, delay_s: float | None = None
) -> bool:
    """Run in a child; returns whether the run came to its end."""
    child = os.fork()
    if child == 0:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        torch.set_num_threads(1)
        arm(way, call)
        run_search(recipe, run, console=Console())
        os._exit(0)
    if delay_s is not None:
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if status and not os.WIFSIGNALED(status):
        raise SystemExit(f"the run failed: status {status}, {way}")
    return status == 0


def kill_20_times(recipe: Recipe, root: Path) -> dict[str, Any]:
    began_s = time.monotonic()
    start(recipe, root / "whole")
    duration_s = time.monotonic() - began_s
    draw = random.Random(0)
    ways = list(WAYS)
    draw.shuffle(ways)
    kills: Counter[str] = Counter()
    finished: list[str] = []
    run = root / "run-0"
    for _ in range(MAX_STARTS):
        if not ways:
            break
        way, calls = ways[0]
        delay_s = draw.uniform(0.05, 0.7) * duration_s if way == "timer" else None
        if start(recipe, run, way=way, call=draw.randint(1, max(1, calls)), delay_s=delay_s):
            finished.append(run.name)
            run = root / f"run-{len(finished)}"
        else:
            kills[way] += 1
            ways.pop(0)
    if run.exists():
        start(recipe, run)
        finished.append(run.name)
    return {"kills": kills, "finished": finished}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print(json.dumps(kill_20_times(load_recipe(folder / "recipe.yaml"), folder)))
