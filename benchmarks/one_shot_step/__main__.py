"""Times a training step of the one-shot supernet against a plain network's with the same operations."""

import argparse
import statistics

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.report import measure_in_turn, print_result, say
from benchmarks.training_step import random_batch, step_of
from search.autodd.evolution import random_genes
from search.autodd.space import CostTable
from search.nets.detector import build_detector, build_one_shot
from search.nets.spec import Genes, NetworkSpec, digits_of
from search.recipe import Recipe, parse_recipe
from search.training.feed import Batch

TARGET = 1.05


def main() -> None:
    args = _arguments()
    torch.manual_seed(0)
    recipe = parse_recipe({"preset": "cpu", "data": {"root": "."}})
    network, size = recipe.network, recipe.data.size
    batch = random_batch(size, recipe.one_shot.batch_size)
    costs = CostTable(
        width=network.width, reconstructor_width=network.reconstructor_width, size_hw=(size, size)
    )
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(args.paths):
        genes = random_genes(costs.gene_space(), rng)
        ratio = _ratio(recipe, genes, batch, rounds=args.rounds)
        ratios.append(ratio)
        say(f"{digits_of(genes)}  supernet step over plain step {ratio:.3f}", json_output=args.json)
    value = statistics.median(ratios)
    print_result(
        name="one_shot_step",
        value=value,
        unit="ratio",
        target=TARGET,
        holds=value <= TARGET,
        worst=max(ratios),
        paths=args.paths,
        threads=torch.get_num_threads(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_shot_step", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--paths", type=int, default=5, help="random paths")
    parser.add_argument("--rounds", type=int, default=7, help="rounds a path, of which the median counts")
    return parser.parse_args()


def _ratio(recipe: Recipe, genes: Genes, batch: Batch, *, rounds: int) -> float:
    network = recipe.network

    def one_path(net: nn.Module, image: Tensor, _step: int) -> tuple[Tensor, Tensor]:
        output: tuple[Tensor, Tensor] = net(image, genes)
        return output

    supernet = step_of(
        build_one_shot(width=network.width, reconstructor_width=network.reconstructor_width),
        recipe,
        recipe.one_shot,
        forward=one_path,
    )
    spec = NetworkSpec("unet", genes, network.width, network.reconstructor_width)
    plain = step_of(build_detector(spec), recipe, recipe.one_shot)
    supernet.learn(batch)  # the first step allocates
    plain.learn(batch)
    timings = measure_in_turn(
        {"supernet": (lambda: supernet.learn(batch), 1), "plain": (lambda: plain.learn(batch), 1)},
        rounds=rounds,
    )
    return timings["supernet"].cpu_ms / timings["plain"].cpu_ms


if __name__ == "__main__":
    main()
