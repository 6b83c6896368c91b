"""Profiles this processor, then times networks of random genes and holds the predictions against them.

The networks are none of the reference networks that the profile was fitted on: other genes, and also another
width and size. The profile is measured before any of them is timed.
"""

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.report import print_result, say
from export.onnx import export_onnx
from inspector.cli import run
from inspector.latency import DeviceProfile, open_profile
from inspector.latency.timing import median_ms
from inspector.runtime import open_engine
from search.limits.latency import predicted_ms
from search.nets.detector import build_detector
from search.nets.spec import NUM_NODES, NetworkSpec

TARGET, RANK_TARGET = 0.15, 0.9
GENES_SEED = 2026
SETTINGS = ((16, 256), (24, 192))  # width and side; the second is no reference network's


@dataclass(frozen=True)
class Pair:
    """Predicted and measured milliseconds of one network."""

    name: str
    predicted: float
    measured: float

    @property
    def relative_error(self) -> float:
        return abs(self.predicted - self.measured) / self.measured


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        profile = _profile(Path(folder) / "here.json", args)
    rng = np.random.default_rng(GENES_SEED)
    pairs = []
    for number in range(args.networks):
        width, side = SETTINGS[number % len(SETTINGS)]
        genes = tuple(int(gene) for gene in rng.integers(0, 3, NUM_NODES))
        pairs.append(_pair(NetworkSpec("unet", genes, width, width), side, profile, args))
        say(_line(pairs[-1]), json_output=args.json)
    _print(pairs, profile, args)


def _profile(path: Path, args: argparse.Namespace) -> DeviceProfile:
    """Run `inspector profile`, as a user would."""
    options = ["--threads", str(args.threads), "--seconds", str(args.seconds), "--runtime", "cpu", "--json"]
    with contextlib.redirect_stdout(sys.stderr):
        status = run(["profile", "--out", str(path), *options])
    if status != 0:
        raise SystemExit("the profile could not be measured")
    return open_profile(str(path))


def _pair(spec: NetworkSpec, side: int, profile: DeviceProfile, args: argparse.Namespace) -> Pair:
    size_hw = (side, side)
    model = export_onnx(build_detector(spec).eval(), size_hw=size_hw)
    engine = open_engine(model, where="the network", input_hw=size_hw, threads=args.threads)
    image = np.random.default_rng(0).random((1, 3, side, side), dtype=np.float32)
    measured = median_ms(lambda: engine.infer(image), budget_s=10 * args.seconds)
    genes = "".join(str(gene) for gene in spec.genes)
    return Pair(f"{genes} w={spec.width} {side}x{side}", predicted_ms(spec, size_hw, profile), measured)


def _line(pair: Pair) -> str:
    return f"{pair.measured:8.2f} ms measured {pair.predicted:8.2f} predicted  {pair.name}"


def spearman(one: list[float], other: list[float]) -> float:
    """Return the rank correlation; no ties are expected among measured times."""
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _print(pairs: list[Pair], profile: DeviceProfile, args: argparse.Namespace) -> None:
    errors = [pair.relative_error for pair in pairs]
    correlations = {}
    for width, side in SETTINGS:
        chosen = [pair for pair in pairs if pair.name.endswith(f"w={width} {side}x{side}")]
        found = spearman([pair.predicted for pair in chosen], [pair.measured for pair in chosen])
        correlations[f"width {width}, {side}x{side}"] = found
    overall = spearman([pair.predicted for pair in pairs], [pair.measured for pair in pairs])
    median = statistics.median(errors)
    if args.pairs is not None:
        args.pairs.write_text(json.dumps([pair.__dict__ for pair in pairs], indent=1))
    print_result(
        name="latency_model",
        value=median,
        unit="relative error",
        target=TARGET,
        holds=median <= TARGET and overall >= RANK_TARGET,
        worst=max(errors),
        rank_correlation=overall,
        rank_correlation_within=correlations,
        rank_target=RANK_TARGET,
        stated_error=profile.relative_error,
        threads=args.threads,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=20, help="how many networks to predict and time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.4, help="seconds for one probe")
    parser.add_argument("--pairs", type=Path, help="write every pair to this JSON file")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON object on stdout")
    return parser.parse_args()


if __name__ == "__main__":
    main()
