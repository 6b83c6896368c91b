"""Times what AceScheduler adds to one result, and what its books weigh, as an experiment grows."""

import argparse
import gc
import pickle
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.report import Timing, print_result, say
from search.ace import AceScheduler
from search.ace.books import dump_state, load_state
from search.ace.record import constraint_key
from search.ace.state import AceState

TARGET_MS = 1.0
Reports = list[tuple[Any, dict[str, Any]]]


def main() -> None:
    args = _arguments()
    # `one_group`: all reports are of the same iteration, the largest group that so many records can make.
    cases: dict[str, Callable[[int], Reports]] = {
        "one_constraint": lambda num: make_reports(num, num_constraints=1, num_iterations=args.iterations),
        "one_group": lambda num: make_reports(num, num_constraints=1, num_iterations=1),
        "three_constraints": lambda num: make_reports(num, num_constraints=3, num_iterations=args.iterations),
        "three_constraints_one_group": lambda num: make_reports(num, num_constraints=3, num_iterations=1),
    }
    sizes = [args.records // 10, args.records]
    found: dict[str, dict[str, float]] = {}
    for name, make in cases.items():
        found[name] = {}
        for size in sizes:
            rounds = [_last_results_ms(make(size + args.timed), size) for _ in range(args.rounds)]
            found[name][f"ms_at_{size}"] = statistics.median(item.wall_ms for item in rounds)
            found[name][f"cpu_ms_at_{size}"] = statistics.median(item.cpu_ms for item in rounds)
        say(f"{name}: {found[name]}", json_output=args.json)
    books = _books(make_reports(args.records, num_constraints=1, num_iterations=args.iterations))
    worst = max(row[f"ms_at_{args.records}"] for row in found.values())
    print_result(
        name="ace_overhead",
        value=worst,
        unit=f"ms a result at {args.records} records, the slowest case",
        target=TARGET_MS,
        holds=worst <= TARGET_MS,
        cases=found,
        books=books,
        records=args.records,
        python=sys.version.split()[0],
    )


def make_reports(num: int, *, num_constraints: int, num_iterations: int) -> Reports:
    """Return `num` (trial, result) as Ray delivers them, random, a third of them without evaluation."""
    rng = np.random.default_rng(0)
    reports = []
    for number in range(num):
        trial, iteration = divmod(number, num_iterations)
        result: dict[str, Any] = {
            "score": float(rng.random()),
            "ace/iteration": iteration + 1,
            "ace/evaluated": number % 3 > 0,
            "ace/candidate": float(rng.random()),
            "ace/c1_s": float(rng.random()),
        }
        for i in range(num_constraints):
            result[constraint_key(f"g{i}")] = float(rng.random())
        reports.append((SimpleNamespace(trial_id=f"{trial:08x}", experiment_dir_name="benchmark"), result))
    return reports


def make_scheduler(reports: Reports) -> AceScheduler:
    """Return a scheduler for the constraints that the reports carry, with a stand-in for its board."""
    names = [key.split("/")[2] for key in reports[0][1] if key.startswith("ace/g/")]
    ace = AceScheduler("score", "max", constraints=dict.fromkeys(names, 0.3))
    ace._board = SimpleNamespace(write=SimpleNamespace(remote=lambda standing: None))
    return ace


def _last_results_ms(reports: Reports, size: int) -> Timing:
    """Return the mean time of each result behind the first `size`."""
    ace = make_scheduler(reports)
    for trial, result in reports[:size]:
        ace.on_trial_result(None, trial, result)
    if len(ace.state) != size:
        raise AssertionError(f"the books hold {len(ace.state)} records, not {size}")
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for trial, result in reports[size:]:
        ace.on_trial_result(None, trial, result)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    num = len(reports) - size
    return Timing(cpu_ms=cpu_s * 1000.0 / num, wall_ms=wall_s * 1000.0 / num)


def _books(reports: Reports) -> dict[str, float]:
    """Return the bytes a record in memory and saved, and the ms to save and to load all."""
    answer: dict[str, float] = {}
    for num in (len(reports) // 10, len(reports)):
        ace = make_scheduler(reports)
        gc.collect()
        tracemalloc.start()
        for trial, result in reports[:num]:
            ace.on_trial_result(None, trial, result)
        answer[f"memory_bytes_a_record_at_{num}"] = tracemalloc.get_traced_memory()[0] / num
        tracemalloc.stop()
    start_s = time.perf_counter()
    saved = pickle.dumps(dump_state(ace.state))
    answer["save_ms"] = (time.perf_counter() - start_s) * 1000.0
    answer["saved_bytes_a_record"] = len(saved) / len(reports)
    start_s = time.perf_counter()
    load_state(pickle.loads(saved), AceState(ace.options))
    answer["load_ms"] = (time.perf_counter() - start_s) * 1000.0
    return answer


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ace_overhead", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--records", type=int, default=10_000, help="records in the books when timing begins")
    parser.add_argument("--timed", type=int, default=500, help="results that are timed")
    parser.add_argument("--iterations", type=int, default=100, help="T: results of one trial")
    parser.add_argument("--rounds", type=int, default=5, help="times each is measured; the median counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
