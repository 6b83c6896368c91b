"""Times pages of the history and statistics over a million stored results, whatever is asked for."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.history.busy import BusyTimes, time_busy_pages
from benchmarks.history.line import SOURCES, Line, load, lot_name, make_line
from benchmarks.history.questions import questions
from benchmarks.report import Timing, print_result, say
from edge_app.store.files import ResultFiles
from edge_app.store.filters import ResultFilter
from edge_app.store.history import History
from edge_app.store.policy import DAY_MS
from edge_app.store.readers import Readers
from edge_app.store.records import Bucket
from edge_app.store.statistics import read_statistics
from edge_app.store.writer import Writer

TARGET_MS, STATISTICS_TARGET_MS = 50.0, 200.0
LIMIT = 50


def main() -> None:
    args = _arguments()
    rng = np.random.default_rng(args.seed)
    line = make_line(rng, num_rows=args.rows, num_days=args.days, end_ms=int(time.time() * 1000))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "results.sqlite"
        start_s = time.perf_counter()
        load(path, line)
        size_mb = path.stat().st_size / 2**20
        text = f"{args.rows} results over {args.days:g} days: {size_mb:.0f} MB, made in "
        say(f"{text}{time.perf_counter() - start_s:.0f} s", json_output=args.json)
        writer, readers = Writer(path), Readers(path)
        try:
            history = History(readers, ResultFiles(Path(folder) / "files"), writer)
            pages = _time_pages(history, line, rng, args)
            sums = _time_statistics(readers, line, args)
        finally:
            readers.close()
            writer.close()
        busy = time_busy_pages(
            Path(folder),
            [wanted for _, wanted, _ in pages],
            max_age_days=0.9 * args.days,
            seconds=args.busy_seconds,
            limit=LIMIT,
        )
    _report(pages, sums, busy, args, size_mb)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--rows", type=int, default=1_000_000, help="stored results")
    parser.add_argument("--days", type=float, default=28, help="over how many days they spread")
    parser.add_argument("--filters", type=int, default=200, help="random filters, half matching nothing")
    parser.add_argument("--rounds", type=int, default=5, help="times each is asked; the median counts")
    parser.add_argument("--busy-seconds", type=float, default=15, help="pages under retention and results")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    return parser.parse_args()


def _time_pages(
    history: History, line: Line, rng: np.random.Generator, args: argparse.Namespace
) -> list[tuple[Timing, ResultFilter, int]]:
    """Return (median time of a page, filter, number of matches); answers are checked first."""
    timed = []
    for wanted, matching in questions(rng, line, args.filters):
        ask = partial(history.page, wanted, cursor=None, limit=LIMIT)
        expected = [index + 1 for index in matching[::-1][:LIMIT].tolist()]
        if [item.seq for item in ask().items] != expected:
            raise AssertionError(f"{wanted}: the page differs from a plain comparison")
        timed.append((_timed(ask, args.rounds), wanted, matching.size))
    return timed


def _time_statistics(readers: Readers, line: Line, args: argparse.Namespace) -> dict[str, float]:
    """Return the median ms of statistics over all time and over seven days, plain and filtered."""
    start_ms, end_ms = int(line.created_ms[0]), int(line.created_ms[-1]) + 1
    cases: dict[str, dict[str, Any]] = {
        "all_by_hour": {"from_ms": start_ms, "bucket": "hour"},
        "all_by_day": {"from_ms": start_ms, "bucket": "day"},
        "week_by_hour": {"from_ms": end_ms - 7 * DAY_MS, "bucket": "hour"},
        "all_of_a_source": {"from_ms": start_ms, "bucket": "day", "source": SOURCES[0]},
        "all_of_a_lot": {"from_ms": start_ms, "bucket": "hour", "lot": lot_name(int(line.lot[0]))},
    }

    def ask(case: dict[str, Any]) -> list[Bucket]:
        with readers.read() as connection:
            return read_statistics(connection, to_ms=end_ms, **case)

    total = sum(sum(bucket.counts.values()) for bucket in ask(cases["all_by_day"]))
    if total != len(line.created_ms):
        raise AssertionError(f"the statistics count {total} results, not {len(line.created_ms)}")
    return {name: _timed(partial(ask, case), args.rounds).wall_ms for name, case in cases.items()}


def _timed(run: Callable[[], object], rounds: int) -> Timing:
    """Return the medians of `rounds` calls."""
    wall_ms, cpu_ms = [], []
    for _ in range(rounds):
        wall_s, cpu_s = time.perf_counter(), time.thread_time()
        run()
        wall_ms.append((time.perf_counter() - wall_s) * 1000.0)
        cpu_ms.append((time.thread_time() - cpu_s) * 1000.0)
    return Timing(cpu_ms=statistics.median(cpu_ms), wall_ms=statistics.median(wall_ms))


def _report(
    pages: list[tuple[Timing, ResultFilter, int]],
    sums: dict[str, float],
    busy: BusyTimes,
    args: argparse.Namespace,
    size_mb: float,
) -> None:
    pages = sorted(pages, key=lambda timed: timed[0].wall_ms)
    for timing, wanted, num in pages[-5:]:
        say(
            f"{timing.wall_ms:7.1f} ms ({timing.cpu_ms:.1f} of them computing), {num} matches: {wanted}",
            json_output=args.json,
        )
    times = [timing.wall_ms for timing, _, _ in pages]
    slowest_sum = max(sums.values())
    print_result(
        name="history",
        value=times[-1],
        unit="ms",
        target=TARGET_MS,
        holds=times[-1] <= TARGET_MS and slowest_sum <= STATISTICS_TARGET_MS,
        p50_ms=statistics.median(times),
        p95_ms=times[int(0.95 * (len(times) - 1))],
        slowest_without_match_ms=max(timing.wall_ms for timing, _, num in pages if num == 0),
        slowest_cpu_ms=max(timing.cpu_ms for timing, _, _ in pages),
        statistics_ms=sums,
        statistics_target_ms=STATISTICS_TARGET_MS,
        busy={
            "p50_ms": float(np.percentile(busy.page_ms, 50)),
            "p95_ms": float(np.percentile(busy.page_ms, 95)),
            "receipt_p50_ms": float(np.percentile(busy.receipt_ms, 50)),
            "receipt_p95_ms": float(np.percentile(busy.receipt_ms, 95)),
            "results_added": busy.num_added,
            "results_removed": busy.num_removed,
        },
        rows=args.rows,
        days=args.days,
        filters=len(times),
        database_mb=size_mb,
    )


if __name__ == "__main__":
    main()
