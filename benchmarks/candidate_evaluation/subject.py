"""What is evaluated: a trained supernet of paper width, and the last generation of a search over it.

A supernet of w = 8 learns on the built-in part, a search of 20 generations follows, all by the product's
own `run_search`; then the supernet is widened (benchmarks/widening.py). Defects are opaque, since easy ones
are learnt in minutes, as hard ones are in the days of the paper's training.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.widening import copy_widened
from inspector.console import Console
from inspector.demo_part import write_demo_part
from search.autodd.data import open_run_data
from search.autodd.evolution import random_genes
from search.autodd.run import run_search
from search.autodd.space import CostTable
from search.events import EventLog, latest
from search.nets.detector import OneShotDetector, build_one_shot
from search.nets.spec import Genes, genes_of
from search.recipe import Recipe, parse_recipe
from search.run_folder import RunFolder
from search.training.checkpoint import load_checkpoint
from search.training.device import for_convolutions
from search.training.feed import Batch

SIDE, NARROW, NUM_PHOTOS = 128, 8, 200
BATCH_SIZE = 4
STEPS, GENERATIONS = 1500, 20  # of the search, as in [D] Algorithm 4
MAX_PARAMS_M = 40 / (64 / NARROW) ** 2  # the paper's limit, in proportion


@dataclass(frozen=True)
class Subject:
    """Everything that both evaluations start from."""

    supernet: OneShotDetector
    narrow: OneShotDetector
    validation: list[Batch]
    recalibration: list[Batch]
    evolved: list[Genes]
    random: list[Genes]


def open_subject(
    folder: Path, *, width: int, validation_images: int, recalibration_batches: int, population: int
) -> Subject:
    """Return the subject in `folder`; makes it first, which takes a while, and goes on after a kill."""
    recipe = _recipe(folder, population)
    if not recipe.data.root.exists():
        write_demo_part(recipe.data.root, seed=0, num_train=NUM_PHOTOS)
    run = RunFolder(folder / "run")
    run_search(recipe, run.path, console=Console(json_output=True))
    checkpoint = load_checkpoint(run.checkpoint("one_shot"))
    assert checkpoint is not None
    narrow = build_one_shot(width=NARROW, reconstructor_width=NARROW)
    narrow.load_state_dict(checkpoint["net"])
    supernet = build_one_shot(width=width, reconstructor_width=width)
    copy_widened(narrow, supernet)
    fewer = {"validation_images": validation_images, "recalibration_batches": recalibration_batches}
    shown = recipe.model_copy(update={"evolution": recipe.evolution.model_copy(update=fewer)})
    data = open_run_data(shown)
    for_convolutions(supernet)
    for_convolutions(narrow)
    return Subject(
        supernet,
        narrow,
        data.validation_batches(),
        data.recalibration_batches(data.search_samples()),
        _last_generation(run),
        _random(population),
    )


def _recipe(folder: Path, population: int) -> Recipe:
    return parse_recipe(
        {
            "preset": "cpu",
            "data": {"root": str((folder / "part").resolve()), "size": SIDE},
            "network": {"width": NARROW, "reconstructor_width": NARROW},
            "limits": {"max_params_m": MAX_PARAMS_M},
            "defects": {"blend_max": 0.0},
            "one_shot": {"steps": STEPS, "batch_size": BATCH_SIZE},
            "evolution": {
                "population": population,
                "top_k": max(1, population // 5),
                "crossover": population // 2,
                "mutation": population - population // 2,
                "iterations": GENERATIONS,
                "validation_images": 48,
                "recalibration_batches": 2,
                "drop": True,  # the same generations, sooner
            },
            "retraining": {"steps": 1, "warmup_steps": 0},
        }
    )


def _last_generation(run: RunFolder) -> list[Genes]:
    candidates = latest(EventLog.read(run.events), "candidate", ["genes"])
    return [genes_of(event["genes"]) for event in candidates if event["generation"] == GENERATIONS]


def _random(population: int) -> list[Genes]:
    space = CostTable(width=2, reconstructor_width=2, size_hw=(32, 32)).gene_space()
    rng = np.random.default_rng(0)
    return [random_genes(space, rng) for _ in range(population)]
