"""Times training steps of a run's network, the all-`conv` U-Net and DRAEM's pair in turn, widths alike."""

import argparse
import statistics
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from benchmarks.report import measure_in_turn, print_result, say
from benchmarks.training_step import random_batch, step_of
from search.nets.detector import build_detector
from search.nets.spec import NUM_NODES
from search.recipe import Recipe
from search.run_folder import load_result


def main() -> None:
    args = _arguments()
    torch.manual_seed(0)
    result = load_result(args.run)
    recipe = Recipe.model_validate(result.recipe)
    found = result.network
    specs = {
        "found": found,
        "conv": replace(found, genes=(0,) * NUM_NODES),
        "draem": replace(found, family="draem", genes=()),
    }
    batch = random_batch(recipe.data.size, recipe.retraining.batch_size)
    fits = {name: step_of(build_detector(spec), recipe, recipe.retraining) for name, spec in specs.items()}
    for fit in fits.values():
        fit.learn(batch)  # the first step allocates
    timings = measure_in_turn(
        {name: (partial(fit.learn, batch), 1) for name, fit in fits.items()}, rounds=args.rounds
    )
    steps = recipe.retraining.steps or 0
    figures = {}
    for name, timing in timings.items():
        ratio = timing.cpu_ms / timings["found"].cpu_ms
        figures[name] = {"ms": timing.cpu_ms, "over_found": ratio, "steps_in_same_time": round(steps / ratio)}
        say(
            f"{name:6} {timing.cpu_ms:7.0f} ms of processor time a step, {ratio:.2f} of the found network's: "
            f"{figures[name]['steps_in_same_time']} steps in its {steps} steps' time",
            json_output=args.json,
        )
    print_result(
        name="step_time",
        value=statistics.fmean(figures[name]["over_found"] for name in ("conv", "draem")),
        unit="mean step time of conv and DRAEM over the found network's",
        target=0.0,
        holds=True,
        figures=figures,
        threads=torch.get_num_threads(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_time", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--run", type=Path, required=True, help="a finished run of `inspector search`")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median counts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
