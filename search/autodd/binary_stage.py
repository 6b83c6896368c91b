"""NASB in a run: its training, the networks that it derives, and what they are worth.

Source: [D] Sec. 3.2.3, Algorithm 2, on the space of Sec. 5.2.3.
Differs from the source: random paths are trained first, since else only the operations that happen to come
first would have learnt anything when strengths are compared. Beside the winner cheaper networks are derived,
so that there is an archive to pick from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from inspector.console import Console
from search.autodd.candidate_stage import CandidateJob, open_candidates
from search.autodd.costs import Costs
from search.autodd.evolution import GeneSpace, rank
from search.autodd.paths import PathSampler, make_path
from search.events import EventLog, latest
from search.limits.cost import NetworkCost
from search.nasb.project import Array, Budget
from search.nasb.unet import BinaryArchitecture, BinaryDetector, build_binary_detector
from search.nets.detector import initialise
from search.nets.spec import Genes, digits_of, genes_of
from search.recipe import LimitsRecipe, Recipe
from search.training.alternate import AlternatingFit, ArchitecturePlan

Figure = Callable[[NetworkCost], float]


class BinaryFit(AlternatingFit):
    """Steps of the weights follow `warm_up` as long as strengths do not learn, then the active operations."""

    def __init__(self, *args: Any, warm_up: PathSampler, **options: Any) -> None:
        self._warm_up = warm_up
        super().__init__(*args, **options)

    def _forward(self, net: nn.Module, image: Tensor, step: int) -> tuple[Tensor | None, Tensor]:
        if step < self._first_architecture_step:
            return self._warm_up(net, image, step)
        return super()._forward(net, image, step)


@dataclass(frozen=True)
class BinarySearch:
    """What a run with `method: nasb` is made of."""

    recipe: Recipe
    costs: Costs

    def supernet(self) -> BinaryDetector:
        """Return the fresh supernet."""
        network = self.recipe.network
        net = build_binary_detector(width=network.width, reconstructor_width=network.own_reconstructor_width)
        initialise(net, network.initialisation, seed=self.recipe.seed)
        return net

    def architecture(self) -> BinaryArchitecture:
        """Return fresh strengths, all the same.

        Raises:
            SearchSpaceError: no genes are within all limits.
        """
        return BinaryArchitecture(budget_of(self.costs, self.recipe.limits))

    @property
    def options(self) -> dict[str, Any]:
        """What `BinaryFit` takes besides."""
        nasb, evolution = self.recipe.nasb, self.recipe.evolution
        plan = ArchitecturePlan(nasb.learning_rate, nasb.weight_decay, nasb.warm_up)
        warm_up = make_path(evolution.paths, self.costs.gene_space(), seed=self.recipe.seed)
        return {"architecture_plan": plan, "warm_up": warm_up}

    def derive(self, architecture: BinaryArchitecture) -> list[Genes]:
        """Return the winner, and the strongest operations within ever fewer multiply-adds, each once."""
        budget, space = budget_of(self.costs, self.recipe.limits), self.costs.gene_space()
        winner = architecture.genes()
        base, table = added_costs(self.costs, space, _macs)
        most, least = _macs(self.costs.cost(winner)), _macs(self.costs.lowest())
        found, num = [winner], self.recipe.nasb.derived
        for number in range(1, num):
            limit = most + (least - most) * number / num
            genes = architecture.genes_within(budget.also(table, limit - base))
            if genes is not None:
                found.append(genes)
        return list(dict.fromkeys(found))

    def compare(
        self, derived: Sequence[Genes], job: CandidateJob, log: EventLog, events: Path, console: Console
    ) -> float:
        """Measure what was derived with the supernet's weights, but for what `events` holds already.

        Returns:
            The fitness of a network that has learnt nothing.
        """
        past = latest(EventLog.read(events), "candidate", ["genes"])
        fitness = {genes_of(event["genes"]): float(event["fitness"]) for event in past}
        to_do = [genes for genes in derived if genes not in fitness]
        with (
            open_candidates(_whole(job), lambda genes: self.costs.cost(genes).macs) as candidates,
            console.progress(len(derived), "derived networks") as advance,
        ):
            outcomes = candidates.evaluate(to_do, [], lambda note: advance(0, note=note)) if to_do else []
            for genes, outcome in zip(to_do, outcomes, strict=True):
                assert outcome.fitness is not None  # nothing is dropped
                fitness[genes] = outcome.fitness
                cost = self.costs.cost(genes).as_dict()
                log.write("candidate", generation=0, genes=digits_of(genes), fitness=outcome.fitness, **cost)
            advance(len(derived))
            chance = candidates.part.chance
        top = rank(fitness, lambda genes: self.costs.cost(genes).params)
        digits = [digits_of(genes) for genes in top]
        log.write("generation", generation=0, best=fitness[top[0]], top=digits, num_rejected=0)
        return chance


def budget_of(costs: Costs, limits: LimitsRecipe) -> Budget:
    """Return the limits of a recipe over costs that add up over nodes."""
    space = costs.gene_space()
    limited: list[tuple[float | None, Figure]] = [
        (limits.max_params_m, lambda cost: cost.params / 1e6),
        (limits.max_size_mb, lambda cost: cost.size_mb),
        (limits.max_macs_g, lambda cost: cost.macs_g),
        (limits.max_latency_ms, lambda cost: cost.latency_ms or 0.0),
    ]
    set_ones = [(limit, *added_costs(costs, space, figure)) for limit, figure in limited if limit is not None]
    shape = (len(space.alphabets), max(space.alphabets))
    tables = np.array([table for _, _, table in set_ones]).reshape(-1, *shape)
    return Budget(tables, np.array([limit - base for limit, base, _ in set_ones]))


def added_costs(costs: Costs, space: GeneSpace, figure: Figure) -> tuple[float, Array]:
    """Return what the first operation everywhere costs, and what each other operation adds, (N, O)."""
    zeros = (0,) * len(space.alphabets)
    base = figure(costs.cost(zeros))
    table = np.zeros((len(space.alphabets), max(space.alphabets)))
    for node, num_operations in enumerate(space.alphabets):
        for gene in range(1, num_operations):
            table[node, gene] = figure(costs.cost((*zeros[:node], gene, *zeros[node + 1 :]))) - base
    return base, table


def _macs(cost: NetworkCost) -> float:
    return float(cost.macs)


def _whole(job: CandidateJob) -> CandidateJob:
    """Return the job with every fitness measured to the end: all networks stand in the archive."""
    evolution = job.recipe.evolution.model_copy(update={"drop": False})
    return replace(job, recipe=job.recipe.model_copy(update={"evolution": evolution}))
