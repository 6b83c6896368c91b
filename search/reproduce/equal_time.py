"""How many steps NASB gets so that its search takes as long as AutoDD's.

Source: [D] Sec. 3.2.3 (what a step of NASB runs), 5.2.4 (what a search of AutoDD does).

Recipes count steps, and a machine may be busier in one hour than in the next. So not hours are compared: a
step of each is timed in turn in one process, and their ratio says how many steps are worth as much.
"""

from __future__ import annotations

import itertools
import statistics
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from search.autodd.binary_stage import BinaryFit, BinarySearch
from search.autodd.data import RunData
from search.autodd.paths import make_path
from search.autodd.space_choice import open_space
from search.losses.segmentation import LossWeights
from search.nets.detector import initialise
from search.recipe import Recipe
from search.training.alternate import ArchitecturePlan
from search.training.device import make_fabric
from search.training.feed import training_feed
from search.training.fit import Fit, FitPlan

ROUNDS = 7


@dataclass(frozen=True)
class AutoDDSearch:
    """What a finished search of AutoDD took."""

    num_steps: int
    one_shot_s: float
    evolution_s: float
    num_candidates: int


def equal_steps(search: AutoDDSearch, *, ratio: float, warm_up: float, num_derived: int) -> int:
    """Return the steps of NASB that take as long as all of `search`, at least one.

    Args:
        ratio: Time of a step in which strengths learn, over that of a step of the supernet.
        warm_up: Share of NASB's steps that are as short as the supernet's.
        num_derived: Networks that NASB measures at its end, as candidates are measured.

    >>> equal_steps(AutoDDSearch(1000, 600.0, 300.0, 100), ratio=3.0, warm_up=0.2, num_derived=8)
    562
    """
    step_s = search.one_shot_s / search.num_steps
    derived_s = search.evolution_s * num_derived / search.num_candidates
    left_s = search.one_shot_s + search.evolution_s - derived_s
    return max(1, round(left_s / (step_s * (warm_up + (1.0 - warm_up) * ratio))))


def step_ratio(recipe: Recipe, data: RunData, folder: Path, *, rounds: int = ROUNDS) -> float:
    """Time a step of NASB, strengths included, and one of the supernet in turn; return the median ratio.

    Args:
        folder: Nothing is written to it.
    """
    plan = FitPlan(
        recipe=recipe.one_shot,
        loss=LossWeights(**recipe.loss.model_dump()),
        compute=recipe.compute,
        seed=recipe.seed,
        num_steps=rounds + 1,
        checkpoint=folder / "never.pt",
    )
    fits = [_supernet_fit(recipe, data, plan), _binary_fit(recipe, data, plan)]
    batches = training_feed(
        data.search_samples(),
        first_step=0,
        num_steps=plan.num_steps,
        batch_size=plan.recipe.batch_size,
        seed=plan.seed,
        workers=0,
    )
    seconds: list[list[float]] = [[], []]
    for batch in itertools.islice(batches, plan.num_steps):
        for fit, taken in zip(fits, seconds, strict=True):
            started_s = time.perf_counter()
            fit.learn(batch)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started_s)
    pairs = list(zip(*seconds, strict=True))[1:]  # the first step also warms up
    return float(statistics.median(binary_s / supernet_s for supernet_s, binary_s in pairs))


def _supernet_fit(recipe: Recipe, data: RunData, plan: FitPlan) -> Fit:
    space = open_space(recipe)
    net = space.build_supernet()
    initialise(net, recipe.network.initialisation, seed=recipe.seed)
    genes = space.costs(data.size_hw).gene_space()
    path = make_path(recipe.evolution.paths, genes, seed=recipe.seed)
    fabric = make_fabric(recipe.compute)
    fit = Fit(net, data.search_samples(), replace(plan, forward=path), fabric=fabric)
    fit.net.train()
    return fit


def _binary_fit(recipe: Recipe, data: RunData, plan: FitPlan) -> Fit:
    search = BinarySearch(recipe, open_space(recipe).costs(data.size_hw))
    options = {**search.options, "architecture_plan": ArchitecturePlan(weights_first=0.0)}
    fit = BinaryFit(
        search.supernet(),
        data.search_samples(),
        plan,
        fabric=make_fabric(recipe.compute),
        architecture=search.architecture(),
        architecture_samples=data.architecture_samples(),
        **options,
    )
    fit.net.train()
    return fit
