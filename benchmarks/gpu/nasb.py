"""Memory and time of a search step of every method on a GPU. It has not run on hardware yet.

python -m benchmarks.gpu.nasb --batch 60
"""

import argparse
import statistics
import time

import torch

from benchmarks.cell_search import Subject, make_subject
from benchmarks.report import print_result, say

MEMORY_TARGET, TIME_TARGET = 0.25, 0.65
METHODS = ("nasb", "nasp", "pc-darts", "darts-1")
MB = 1e6


def main() -> None:
    args = _arguments()
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch finds no CUDA device on this machine; benchmarks.nasb_memory runs on a CPU")
    peak_mb, step_ms = {}, {}
    for key in METHODS:
        subject = make_subject(key, seed=0, channels=args.channels, batch_size=args.batch, device=args.device)
        peak_mb[key], step_ms[key] = _peak_mb(subject), _step_ms(subject, rounds=args.rounds)
        say(f"{key}: {peak_mb[key]:.0f} MB, {step_ms[key]:.0f} ms a step", json_output=args.json)
        del subject
        torch.cuda.empty_cache()
    of_memory, of_time = (found["nasb"] / found["nasp"] for found in (peak_mb, step_ms))
    print_result(
        name="nasb_gpu",
        value=of_memory,
        unit="ratio of peak memory of an architecture step, NASB over NASP",
        target=MEMORY_TARGET,
        holds=of_memory <= MEMORY_TARGET and of_time <= TIME_TARGET,
        of_time=of_time,
        peak_mb=peak_mb,
        step_ms=step_ms,
        batch=args.batch,
        channels=args.channels,
        device=torch.cuda.get_device_name(args.device),
    )


def _peak_mb(subject: Subject) -> float:
    """Return the allocator's peak of one architecture step above what is held before it."""
    architect = subject.architect
    relax = architect.method.relaxation(0.0)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    architect.learn_architecture(subject.batch, subject.batch, relax)
    return (torch.cuda.max_memory_allocated() - before) / MB


def _step_ms(subject: Subject, *, rounds: int) -> float:
    """Return the median wall time of a whole step."""
    found_ms = []
    for _ in range(rounds + 1):  # the first one allocates
        torch.cuda.synchronize()
        started_s = time.perf_counter()
        subject.architect.learn(subject.batch, subject.batch, rate=0.001, progress=0.0)
        torch.cuda.synchronize()
        found_ms.append((time.perf_counter() - started_s) * 1000.0)
    return statistics.median(found_ms[1:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.nasb",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--channels", type=int, default=16, help="of the first cell's nodes")
    parser.add_argument("--batch", type=int, default=60, help="images; [D] Sec. 3.3.1")
    parser.add_argument("--rounds", type=int, default=7, help="steps that are timed; the median counts")
    parser.add_argument("--device", default="cuda:0", help="the GPU")
    return parser.parse_args()


if __name__ == "__main__":
    main()
