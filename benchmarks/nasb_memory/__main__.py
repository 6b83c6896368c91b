"""Measures what an architecture step keeps: NASB against NASP, PC-DARTS, DARTS and its own floor."""

import argparse
import json
import statistics
import subprocess
import sys

from benchmarks.cell_search import make_subject
from benchmarks.nasb_memory.measure import floor_mb, kept_mb, peak_growth_mb
from benchmarks.report import print_result, say

TARGET, TARGET_OF_PARTIAL, TARGET_OF_FLOOR = 0.25, 0.5, 1.3
METHODS = ("nasb", "nasp", "pc-darts", "darts-1")


def main() -> None:
    args = _arguments()
    if args.peak_of:
        subject = make_subject(args.peak_of, seed=0, channels=args.channels, batch_size=args.batch)
        print(json.dumps(peak_growth_mb(subject)))
        return
    found: dict[str, list[float]] = {key: [] for key in (*METHODS, "floor")}
    for seed in range(args.architectures):
        for key in METHODS:
            subject = make_subject(key, seed=seed, channels=args.channels, batch_size=args.batch)
            found[key].append(kept_mb(subject))
            if key == "nasb":
                found["floor"].append(floor_mb(subject, seed=seed, channels=args.channels))
        line = ", ".join(f"{key} {values[-1]:.1f}" for key, values in found.items())
        say(f"architecture {seed}: {line} MB kept", json_output=args.json)
    peaks = {} if args.no_peak else {key: _peak_of(key, args) for key in METHODS}
    of_nasp, of_partial, of_floor = (_worst(found, key) for key in ("nasp", "pc-darts", "floor"))
    print_result(
        name="nasb_memory",
        value=of_nasp,
        unit="ratio of bytes kept by an architecture step, NASB over NASP, the worst architecture",
        target=TARGET,
        holds=of_nasp <= TARGET and of_partial <= TARGET_OF_PARTIAL and of_floor <= TARGET_OF_FLOOR,
        of_pc_darts=of_partial,
        of_floor=of_floor,
        kept_mb={key: statistics.fmean(values) for key, values in found.items()},
        peak_rss_growth_mb=peaks,
        channels=args.channels,
        batch=args.batch,
        architectures=args.architectures,
    )


def _worst(found: dict[str, list[float]], key: str) -> float:
    return max(ours / theirs for ours, theirs in zip(found["nasb"], found[key], strict=True))


def _peak_of(key: str, args: argparse.Namespace) -> float:
    """Return the growth of the resident memory over one step, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.nasb_memory", "--peak-of", key]
    command += ["--channels", str(args.channels), "--batch", str(args.batch)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(json.loads(answer))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nasb_memory", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--channels", type=int, default=16, help="of the first cell's nodes")
    parser.add_argument("--batch", type=int, default=4, help="images; kept bytes grow in proportion")
    parser.add_argument("--architectures", type=int, default=3, help="random architectures")
    parser.add_argument("--no-peak", action="store_true", help="leave the resident memory out")
    parser.add_argument("--peak-of", choices=METHODS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
