"""What all benchmarks share: measuring in turn, naming the machine, the JSON object on the last line."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from search.machine import processor


@dataclass(frozen=True)
class Timing:
    """Median times of one call over all rounds, in milliseconds.

    `cpu_ms` is the processor time of this process: on a machine shared with other work it says what the code
    costs, where `wall_ms` also says what the others cost.
    """

    cpu_ms: float
    wall_ms: float


def measure_in_turn(
    candidates: Mapping[str, tuple[Callable[[], object], int]], *, rounds: int
) -> dict[str, Timing]:
    """Time every candidate once a round, one after the other, so that all meet the same machine.

    Args:
        candidates: Name -> (what to run, how many calls it makes of the thing that is timed).
    """
    cpu_ms: dict[str, list[float]] = {name: [] for name in candidates}
    wall_ms: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, (run, num_calls) in candidates.items():
            cpu_s, wall_s = time.process_time(), time.perf_counter()
            run()
            cpu_ms[name].append((time.process_time() - cpu_s) * 1000.0 / num_calls)
            wall_ms[name].append((time.perf_counter() - wall_s) * 1000.0 / num_calls)
    return {
        name: Timing(statistics.median(cpu_ms[name]), statistics.median(wall_ms[name])) for name in candidates
    }


def machine() -> str:
    """Name the processor, its cores and the load at this moment, and the versions that matter for speed."""
    import cv2
    import numpy as np

    return (
        f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, numpy {np.__version__}, OpenCV {cv2.__version__}"
    )


def say(text: str, *, json_output: bool) -> None:
    """Print a line for a person: to stderr where stdout is for the JSON object alone."""
    print(text, file=sys.stderr if json_output else sys.stdout, flush=True)


def print_result(*, name: str, value: float, unit: str, target: float, holds: bool, **others: Any) -> None:
    """Print the JSON object that ends every benchmark; rounded to four significant digits."""
    answer = {
        "name": name,
        "value": value,
        "unit": unit,
        "target": target,
        "holds": holds,
        "machine": machine(),
    }
    print(json.dumps(_rounded({**answer, **others}), allow_nan=False), flush=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
