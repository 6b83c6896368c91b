"""Trains a small network in fp32 and in bf16 on the same samples, and once more in fp32 from other weights.

How far the two fp32 curves are apart is the noise that the bf16 curve is held against.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from benchmarks.report import print_result, say
from inspector.dataset import open_dataset
from inspector.demo_part import write_demo_part
from search.defects import PerlinDefects, ProceduralTextures
from search.defects.style import Frame
from search.losses.segmentation import LossWeights
from search.nets.detector import build_detector, initialise
from search.nets.spec import NUM_NODES, NetworkSpec
from search.recipe import Recipe, parse_recipe
from search.training.device import choose_precision, make_fabric
from search.training.feed import SyntheticSamples, load_frames, training_feed
from search.training.fit import Fit, FitPlan

TARGET = 1.0  # bf16's distance from fp32 over that of two fp32 trainings
FITS = {"fp32": ("fp32", 0), "bf16": ("bf16", 0), "fp32, other weights": ("fp32", 1)}


@dataclass
class Curve:
    losses: list[float]
    step_ms: list[float]

    def end(self) -> float:
        """Return the mean loss of the last quarter."""
        return statistics.fmean(self.losses[-max(1, len(self.losses) // 4) :])


def main() -> None:
    args = _arguments()
    recipe = parse_recipe({"preset": "quick", "data": {"root": ".", "size": args.size}})
    with tempfile.TemporaryDirectory() as folder:
        frames = _frames(Path(folder) / "part", size=args.size)
    fits = {
        name: _fit(recipe, precision, frames, args, seed=seed) for name, (precision, seed) in FITS.items()
    }
    curves = {name: Curve([], []) for name in fits}
    feed = training_feed(
        SyntheticSamples(frames, PerlinDefects(ProceduralTextures(0)), recipe.defects, seed=0),
        first_step=0,
        num_steps=args.steps,
        batch_size=recipe.retraining.batch_size,
        seed=0,
        workers=0,
    )
    for batch in feed:
        for name, fit in fits.items():
            started_s = time.process_time()
            terms, _ = fit.learn(batch)
            curves[name].losses.append(float(terms.total.detach()))
            curves[name].step_ms.append((time.process_time() - started_s) * 1000.0)
    if args.plot is not None:
        _plot(curves, args.plot)
    _report(curves, json_output=args.json)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.precision", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--size", type=int, default=32, help="side of the images, pixels")
    parser.add_argument("--width", type=int, default=4, help="channels of the first level")
    parser.add_argument("--plot", type=Path, help="write the two curves to this PNG")
    return parser.parse_args()


def _frames(folder: Path, *, size: int) -> list[Frame]:
    write_demo_part(folder, seed=0, num_train=40, num_test_good=1, num_per_defect=1)
    return load_frames(open_dataset(folder).train, size_hw=(size, size))


def _fit(recipe: Recipe, precision: str, frames: list[Frame], args: argparse.Namespace, *, seed: int) -> Fit:
    net = build_detector(NetworkSpec("unet", (0,) * NUM_NODES, args.width, args.width))
    initialise(net, "he", seed=seed)
    compute = recipe.compute.model_copy(update={"precision": precision})
    samples = SyntheticSamples(frames, PerlinDefects(ProceduralTextures(0)), recipe.defects, seed=0)
    training = recipe.retraining.model_copy(update={"steps": args.steps})
    plan = FitPlan(training, LossWeights(), compute, 0, args.steps, Path("/nonexistent/checkpoint.pt"))
    return Fit(net, samples, plan, fabric=make_fabric(compute))


def _plot(curves: dict[str, Curve], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.5))
    for (precision, curve), colour in zip(curves.items(), ("#0072B2", "#D55E00", "#999999"), strict=True):
        axes.plot(_smooth(curve.losses), label=precision, color=colour, linewidth=1)
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="The same samples, mean of 10 steps")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def _smooth(losses: list[float]) -> list[float]:
    return [statistics.fmean(losses[max(0, i - 9) : i + 1]) for i in range(len(losses))]


def _report(curves: dict[str, Curve], *, json_output: bool) -> None:
    fp32 = curves["fp32"].end()
    distance = abs(curves["bf16"].end() - fp32)
    noise = abs(curves["fp32, other weights"].end() - fp32)
    step_ms = {name: statistics.median(curve.step_ms) for name, curve in curves.items()}
    for name, curve in curves.items():
        say(
            f"{name:20} end loss {curve.end():.4f}  {step_ms[name]:.0f} ms of processor time a step",
            json_output=json_output,
        )
    print_result(
        name="precision",
        value=distance / noise,
        unit="bf16's distance from fp32 over that of two fp32 trainings, losses of the last quarter",
        target=TARGET,
        holds=distance <= TARGET * noise,
        relative_distance=distance / fp32,
        relative_noise=noise / fp32,
        bf16_over_fp32_time=step_ms["bf16"] / step_ms["fp32"],
        auto_chooses=choose_precision("auto", accelerator="cpu"),
        threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
