"""Times a whole search step, architecture and weights: NASB against NASP, PC-DARTS and DARTS."""

import argparse
import statistics
from functools import partial

import torch

from benchmarks.cell_search import Subject, make_subject
from benchmarks.report import measure_in_turn, print_result, say

TARGET = 0.65
METHODS = ("nasb", "nasp", "pc-darts", "darts-1")


def main() -> None:
    args = _arguments()
    ratios: list[float] = []
    step_ms: dict[str, list[float]] = {key: [] for key in args.methods}
    for seed in range(args.architectures):
        subjects = {
            key: make_subject(key, seed=seed, channels=args.channels, batch_size=args.batch)
            for key in args.methods
        }
        for subject in subjects.values():
            _step(subject)  # the first one allocates
        timings = measure_in_turn(
            {key: (partial(_step, subject), 1) for key, subject in subjects.items()},
            rounds=args.rounds,
        )
        for key, timing in timings.items():
            step_ms[key].append(timing.cpu_ms)
        ratios.append(timings["nasb"].cpu_ms / timings["nasp"].cpu_ms)
        line = ", ".join(f"{key} {values[-1]:.0f}" for key, values in step_ms.items())
        say(f"architecture {seed}: {line} ms; NASB over NASP {ratios[-1]:.3f}", json_output=args.json)
    value = statistics.median(ratios)
    print_result(
        name="nasb_step",
        value=value,
        unit="ratio of a step's processor time, NASB over NASP, the median architecture",
        target=TARGET,
        holds=value <= TARGET,
        worst=max(ratios),
        step_ms={key: statistics.median(values) for key, values in step_ms.items()},
        channels=args.channels,
        batch=args.batch,
        rounds=args.rounds,
        threads=torch.get_num_threads(),
    )


def _step(subject: Subject) -> None:
    """Take one iteration of Algorithm 2; A learns so little that its active operations stay."""
    subject.architect.learn(subject.batch, subject.batch, rate=0.001, progress=0.0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nasb_step", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--channels", type=int, default=16, help="of the first cell's nodes")
    parser.add_argument("--batch", type=int, default=16, help="images")
    parser.add_argument("--architectures", type=int, default=3, help="random architectures")
    parser.add_argument("--rounds", type=int, default=3, help="rounds an architecture; the median counts")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), help="nasb and nasp at least"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
