"""Times a narrow network and one of paper width in PyTorch and onnxruntime, and weighs what INT8 costs.

Each row of the table is a process of its own; the ratio that is `value` comes from two networks run in turn.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from benchmarks.report import Timing, measure_in_turn, print_result, say
from benchmarks.runtime.measure import COMPILED, ONNXRUNTIME, TORCH, onnxruntime_run
from benchmarks.runtime.networks import PAPER, at_paper_width
from benchmarks.runtime.subjects import Subject, finished_run, subject_of
from export.pack import pack
from export.targets import plan_for
from export.trained import Trained
from inspector.console import Console
from inspector.runtime import Runner

TARGET = 1.8
MAX_LOSS = 0.005
SIDE_PX = 256
MAX_COLD_LOAD_S = 2.0
COLD_LOAD = """
import sys
from pathlib import Path
from inspector.bundle import Bundle
from inspector.runtime import Runner
bundle = Bundle.open(Path(sys.argv[1]))
print(Runner.open(bundle, threads=1).inspect(bundle.golden_frames[0].frame).judgement.verdict.value)
"""


def main() -> None:
    args = _arguments()
    work = args.work or Path(tempfile.mkdtemp(prefix="runtime-benchmark."))
    work.mkdir(parents=True, exist_ok=True)
    try:
        narrow = finished_run(args.run, work, json_output=args.json)
        subjects = [
            subject_of(trained, work, side_px=SIDE_PX, json_output=args.json)
            for trained in (narrow, at_paper_width(narrow))
        ]
        _report(args, narrow, subjects, work)
    finally:
        if args.work is None:
            shutil.rmtree(work)


def _report(args: argparse.Namespace, narrow: Trained, subjects: Sequence[Subject], work: Path) -> None:
    timings = {subject.name: _in_turn(subject, rounds=args.rounds) for subject in subjects}
    by_processor = {name: _ratio(found, "cpu_ms") for name, found in timings.items()}
    by_clock = {name: _ratio(found, "wall_ms") for name, found in timings.items()}
    for name in timings:
        say(
            f"{name}: INT8 {by_processor[name]:.2f} times as fast by processor time, "
            f"{by_clock[name]:.2f} by the clock (one thread)",
            json_output=args.json,
        )
    chosen, cold_s, cold_cpu_s = _cold_load(narrow, work / "small.bundle", json_output=args.json)
    say(
        f"cold load to first answer {cold_s:.2f} s, {cold_cpu_s:.2f} s of processor; target cpu: {chosen}",
        json_output=args.json,
    )
    table = [row for subject in subjects for row in _table(subject, args)]
    paper = subjects[1]
    value = by_processor[paper.name]
    print_result(
        name="runtime",
        value=value,
        unit=f"INT8 over FP32 speed by processor time at width {PAPER}, 1 thread, onnxruntime",
        target=TARGET,
        holds=value >= TARGET and paper.loss <= MAX_LOSS and cold_s <= MAX_COLD_LOAD_S,
        aupr_loss=paper.loss,
        ratio_by_clock=by_clock[paper.name],
        networks={subject.name: _figures(subject, timings[subject.name]) for subject in subjects},
        narrow_ratio=by_processor[subjects[0].name],
        cpu_target_chooses_for_narrow=chosen,
        cold_load_s=cold_s,
        cold_load_cpu_s=cold_cpu_s,
        table=table,
    )


def _figures(subject: Subject, timings: dict[str, Timing]) -> dict[str, object]:
    kept = ("aupr_fp32", "aupr_int8", "float_nodes", "float_share", "quantize_s")
    return {
        **{key: value for key, value in asdict(subject).items() if key in kept},
        **{name: asdict(timing) for name, timing in timings.items()},
    }


def _ratio(timings: dict[str, Timing], clock: str) -> float:
    return float(getattr(timings["fp32"], clock) / getattr(timings["int8"], clock))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runtime", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--run", type=Path, help="a finished run; without it `inspector demo` is run first")
    parser.add_argument("--rounds", type=int, default=11, help="rounds, of which the median counts")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out: it takes minutes")
    parser.add_argument("--work", type=Path, help="keep the demo and the files here")
    return parser.parse_args()


def _in_turn(subject: Subject, *, rounds: int) -> dict[str, Timing]:
    """Time FP32 and INT8 on one thread, in turn in this process."""
    image = torch.rand(1, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0)).numpy()
    runs = {name: onnxruntime_run(getattr(subject, name), 1)[1] for name in ("fp32", "int8")}
    for run in runs.values():
        run(image)
    return measure_in_turn({name: (partial(run, image), 1) for name, run in runs.items()}, rounds=rounds)


def _table(subject: Subject, args: argparse.Namespace) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for label, runtime, file, aupr in (
        ("torch eager", TORCH, subject.weights, subject.aupr_fp32),
        ("torch.compile", COMPILED, subject.weights, subject.aupr_fp32),
        ("onnxruntime FP32", ONNXRUNTIME, subject.fp32, subject.aupr_fp32),
        ("onnxruntime INT8", ONNXRUNTIME, subject.int8, subject.aupr_int8),
    ):
        reason = _why_not(runtime, args)
        if reason is not None:
            say(f"{subject.name}  {label}: left out, {reason}", json_output=args.json)
            continue
        for threads in (1, 2):
            found = _measured(runtime, file, threads, rounds=args.rounds)
            size_mb = file.stat().st_size / 1e6
            say(
                f"{subject.name:9} {label:17} {threads} threads {found['ms']:8.1f} ms "
                f"({found['cpu_ms']:8.1f} of processor)  "
                f"{found['memory_mb']:6.0f} MB memory  {size_mb:7.2f} MB file  AUPR {aupr:.4f}",
                json_output=args.json,
            )
            rows.append(
                {
                    "network": subject.name,
                    "runtime": label,
                    "threads": threads,
                    **found,
                    "file_mb": size_mb,
                    "aupr": aupr,
                }
            )
    return rows


def _why_not(runtime: str, args: argparse.Namespace) -> str | None:
    if runtime != COMPILED:
        return None
    if args.no_compile:
        return "as asked"
    return None if shutil.which("g++") else "there is no C++ compiler (g++)"


def _measured(runtime: str, file: Path, threads: int, *, rounds: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.runtime.measure", runtime, str(file), str(threads)]
    with tempfile.TemporaryDirectory(prefix="compiled.") as compiled:
        done = subprocess.run(
            [*command, str(rounds), str(SIDE_PX)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(compiled),
        )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment(compiled: str) -> dict[str, str]:
    """Without limits on threads that the caller has set: each process sets its own.

    torch.compile gets a folder of its own: in the shared one a compilation that was killed leaves half a
    library, on which every later one fails.
    """
    kept = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    return {**kept, "TORCHINDUCTOR_CACHE_DIR": compiled}


def _cold_load(trained: Trained, bundle: Path, *, json_output: bool) -> tuple[str, float, float]:
    """Return what the target `cpu` chooses, and the seconds to an answer by the clock and the processor."""
    packed = pack(trained, bundle, console=Console(json_output=json_output), plan=plan_for("cpu"), threads=1)
    Runner.open(packed, threads=1).self_test()
    times_s, cpu_s = [], []
    for _ in range(5):
        start_s, used_s = time.perf_counter(), _children_s()
        subprocess.run([sys.executable, "-c", COLD_LOAD, str(bundle)], check=True, stdout=subprocess.DEVNULL)
        times_s.append(time.perf_counter() - start_s)
        cpu_s.append(_children_s() - used_s)
    return packed.manifest.precision, statistics.median(times_s), statistics.median(cpu_s)


def _children_s() -> float:
    """Return the processor time of all ended subprocesses."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
