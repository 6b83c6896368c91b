"""Measures the classical filters on the photos of `inspector demo`, beside the demo's network."""

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.part_baselines.baselines import local_contrast, mean_difference
from benchmarks.report import print_result, say
from inspector.bundle import Bundle
from inspector.dataset import Sample, open_dataset, read_frame, read_mask
from inspector.errors import InspectorError
from inspector.metrics import aupr
from inspector.preprocess import resize_frame, resize_mask

TARGET = 0.5


def main() -> None:
    args = _arguments()
    try:
        bundle = Bundle.open(args.demo / "part.bundle")
        dataset = open_dataset(args.demo / "part")
    except InspectorError as error:
        print(f"error: {error}; run `inspector demo --out {args.demo}` first", file=sys.stderr)
        sys.exit(error.exit_status)
    size_hw = bundle.manifest.input_hw
    goods = _frames(dataset.train, size_hw)
    frames = _frames(dataset.test, size_hw)
    labels = np.stack([_mask(sample, size_hw) for sample in dataset.test]).ravel()
    found = {name: aupr(score.ravel(), labels) for name, score in mean_difference(frames, goods)}
    found |= {name: aupr(score.ravel(), labels) for name, score in local_contrast(frames)}
    for family in ("difference to the mean", "local contrast"):
        best = max((name for name in found if name.startswith(family)), key=found.__getitem__)
        say(f"{found[best]:.3f}  {best}", json_output=args.json)
    network = bundle.manifest.metrics["pixel_aupr"]
    say(f"{network:.3f}  the demo's network", json_output=args.json)
    value = max(found.values()) / network
    print_result(
        name="part_baselines",
        value=value,
        unit="best filter's pixel AUPR over the network's",
        target=TARGET,
        holds=value <= TARGET,
        best_filter=max(found.values()),
        network=network,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.part_baselines", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--demo", type=Path, default=Path("demo"), help="folder of `inspector demo`")
    return parser.parse_args()


def _frames(samples: tuple[Sample, ...], size_hw: tuple[int, int]) -> np.ndarray:
    frames = [resize_frame(read_frame(sample.path), size_hw=size_hw) for sample in samples]
    return np.stack(frames).astype(np.float32)


def _mask(sample: Sample, size_hw: tuple[int, int]) -> np.ndarray:
    if sample.mask_path is None:
        return np.zeros(size_hw, np.uint8)
    frame_hw = read_frame(sample.path).shape[:2]
    return resize_mask(read_mask(sample.mask_path, shape_hw=frame_hw), size_hw=size_hw)


if __name__ == "__main__":
    main()
