"""A whole AutoDD run: one-shot training, evolution, retraining, evaluation; resumable at any moment.

Source: [D] Sec. 5.2, 5.3.1.
Differs from the source: retraining may begin with the supernet's weights (`retraining_start: supernet`); the
default is from scratch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from torch import nn

from inspector.console import Console
from inspector.errors import BudgetError
from inspector.output_file import write_file
from search.autodd.binary_stage import BinaryFit, BinarySearch
from search.autodd.candidate_stage import CandidateJob, open_candidates
from search.autodd.cell_stage import build_cell_search
from search.autodd.checks import check_all_devices, refuse_other_data, refuse_other_device
from search.autodd.data import RunData, open_run_data
from search.autodd.evaluation_stage import gallery, run_evaluation
from search.autodd.evolution import GeneSpace
from search.autodd.origin import NO_ORIGIN, Origin
from search.autodd.pareto import read_archive
from search.autodd.paths import make_path
from search.autodd.race import Outcome
from search.autodd.result import Chosen, result_of
from search.autodd.search_stage import Evolution
from search.autodd.space import Space
from search.autodd.space_choice import open_space
from search.autodd.trust import say_whether_it_ranks
from search.events import EventLog
from search.limits.limits import limited_cost, profile_of, violations
from search.losses.segmentation import LossWeights
from search.nets.detector import build_detector, initialise
from search.nets.peers.segmenter import load_encoder_weights
from search.nets.spec import Genes, NetworkSpec, digits_of, genes_of
from search.recipe import Recipe, TrainingRecipe
from search.report.html import write_report
from search.run_folder import RunFolder, load_network
from search.stages import ONE_SHOT, one_shot_stages
from search.training.alternate import AlternatingFit
from search.training.checkpoint import load_checkpoint, load_weights, save_checkpoint
from search.training.device import make_fabric
from search.training.feed import SyntheticSamples
from search.training.fit import Fit, FitPlan, Forward, plain_forward
from search.training.logged import run_logged
from search.training.parallel import train_on_ranks

RETRAINING_SEED_OFFSET = 1  # fresh weights: not those that the supernet began with


def run_search(recipe: Recipe, run: Path, *, console: Console, origin: Origin = NO_ORIGIN) -> dict[str, Any]:
    """Bring a run to its end, from the beginning or from where it was killed; returns its result.

    Args:
        origin: Where the network of a recipe that searches nothing was found.

    Raises:
        InspectorError: bad data, limits that nothing meets, another process in the folder, a full disk.
    """
    folder = RunFolder(run)
    with folder.claimed(recipe):
        finished = folder.finished_result(
            console, lambda: _report(run, open_run_data(recipe), load_network(run))
        )
        if finished is not None:
            return finished
        with EventLog(folder.events) as log:
            return _Run(recipe, folder, log, console, origin).run()


def _report(run: Path, data: RunData, net: nn.Module) -> None:
    write_report(run, gallery=gallery(net, data.dataset, size_hw=data.size_hw))


@dataclass
class _Run:
    recipe: Recipe
    folder: RunFolder
    log: EventLog
    console: Console
    origin: Origin

    def run(self) -> dict[str, Any]:
        recipe = self.recipe
        self._check_limits()
        check_all_devices(recipe)
        data = open_run_data(recipe)
        refuse_other_data(self.log, self.folder.events, data.dataset)
        refuse_other_device(self.log, self.folder.events, recipe.limits)
        if not data.dataset.test:
            self.console.warn("the data has no test images: the network will not be measured on real defects")
        for note in data.dataset.notes:
            self.console.warn(note)
        fabric = make_fabric(recipe.compute)
        seconds: dict[str, float] = {}
        genes, supernet = self._fixed_genes(), self._inherited_supernet()
        if genes is None and recipe.network.family == "nas_unet":
            genes = self._search_cells(data, fabric, seconds)
        elif genes is None and recipe.method == "nasb":
            genes, supernet = self._search_binary(data, fabric, seconds)
        elif genes is None:
            genes, supernet = self._search(data, fabric, seconds)
        net = self._retrain(genes, supernet, data, fabric, seconds)
        metrics = run_evaluation(net, data, log=self.log, console=self.console, seconds=seconds)
        result = {
            **result_of(recipe, self._chosen(genes, data), data, metrics=metrics, seconds=seconds),
            "method": recipe.method,
            "origin": self.origin.record,
            "pareto": [point.as_dict() for point in read_archive(self.folder.events)],
        }
        write_file(self.folder.result, json.dumps(result, indent=1, allow_nan=False).encode())
        _report(self.folder.path, data, net)
        return result

    def _check_limits(self) -> None:
        genes = self._fixed_genes()
        if genes is not None:
            self._refuse_over_limits(genes)
        elif self.recipe.network.family == "unet":
            self._evolution.check_space()

    def _refuse_over_limits(self, genes: Genes) -> None:
        cost = limited_cost(self._spec(genes), self._size_hw, self.recipe.limits)
        over = violations(cost, self.recipe.limits)
        if over:
            raise BudgetError(
                f"the network of this recipe is over its limits: {'; '.join(over)}; "
                "raise them or make it narrower"
            )

    def _inherited_supernet(self) -> nn.Module | None:
        """Return the supernet of the run that found the network, where retraining begins with its weights."""
        if self.origin.supernet is None:
            return None
        supernet = self._space.build_supernet()
        load_weights(supernet, self.origin.supernet)
        return supernet

    @property
    def _size_hw(self) -> tuple[int, int]:
        return (self.recipe.data.size, self.recipe.data.size)

    def _fixed_genes(self) -> Genes | None:
        """Return the genes that the recipe names, none at all for a family without genes, or None."""
        network = self.recipe.network
        if not network.is_fixed:
            return None
        return genes_of(network.genes or "")

    def _spec(self, genes: Genes) -> NetworkSpec:
        network = self.recipe.network
        if network.family == "unet":
            return self._space.spec(genes)
        return NetworkSpec(network.family, genes, network.width, network.own_reconstructor_width)

    def _chosen(self, genes: Genes, data: RunData) -> Chosen:
        family, style = self.recipe.network.family, data.styles[self._space.style(genes)]
        if family == "unet":
            return Chosen(self._space.name, self._space.digits(genes), self._spec(genes), style)
        return Chosen(family if genes else "", digits_of(genes), self._spec(genes), style)

    @cached_property
    def _space(self) -> Space:
        return open_space(self.recipe)

    @cached_property  # measuring the costs takes a second
    def _evolution(self) -> Evolution:
        costs = self._space.costs(self._size_hw, profile=profile_of(self.recipe.limits))
        return Evolution(self.recipe.evolution, self.recipe.limits, costs, self.recipe.seed)

    def _search(self, data: RunData, fabric: Fabric, seconds: dict[str, float]) -> tuple[Genes, nn.Module]:
        samples = [data.search_samples(style) for style in range(self._space.num_styles)]
        supernets = [
            self._train_supernet(stage, one, fabric, seconds)
            for stage, one in zip(one_shot_stages(data.styles), samples, strict=True)
        ]
        started_s = time.perf_counter()
        self._stage("evolution", "started")
        job = CandidateJob(
            self.recipe,
            self._space,
            supernets,
            data.validation_batches(),
            [data.recalibration_batches(one) for one in samples],
        )
        genes = self._evolve(job)
        self._stage("evolution", "finished")
        seconds["evolution"] = time.perf_counter() - started_s
        return genes, supernets[self._space.style(genes)]

    def _train_supernet(
        self, stage: str, samples: SyntheticSamples, fabric: Fabric, seconds: dict[str, float]
    ) -> nn.Module:
        recipe = self.recipe
        fresh = self._space.build_supernet()
        initialise(fresh, recipe.network.initialisation, seed=recipe.seed)
        space = self._evolution.costs.gene_space()
        num_genes = len(self._space.path(space.alphabets))  # the style of the defects is no part of a path
        searched = GeneSpace(space.alphabets[:num_genes], space.cheapest[:num_genes])
        path = make_path(recipe.evolution.paths, searched, seed=recipe.seed)
        fit = self._fit(stage, fresh, samples, recipe.one_shot, fabric, seconds=seconds, forward=path)
        return fit.weights()

    def _evolve(self, job: CandidateJob) -> Genes:
        evolution, past = self._evolution, EventLog.read(self.folder.events)

        def work(genes: Genes) -> float:
            return evolution.costs.cost(genes).macs

        with (
            open_candidates(job, work) as candidates,
            self.console.progress(evolution.num_candidates, "evolution") as advance,
        ):

            def evaluate(population: Sequence[Genes], known: Sequence[float]) -> list[Outcome]:
                return candidates.evaluate(population, known, lambda note: advance(0, note=note))

            genes = evolution.run(evaluate, self.log, past, lambda note: advance(1, note=note))
            self._say_whether_it_ranks(candidates.part.chance)
        return genes

    def _search_binary(
        self, data: RunData, fabric: Fabric, seconds: dict[str, float]
    ) -> tuple[Genes, nn.Module]:
        """Let operations compete while they are trained (NASB); the strongest within the limits win."""
        search, samples = BinarySearch(self.recipe, self._evolution.costs), data.search_samples()
        architecture = search.architecture()
        make = partial(
            BinaryFit,
            architecture=architecture,
            architecture_samples=data.architecture_samples(),
            **search.options,
        )
        training = self.recipe.one_shot
        fit = self._fit(ONE_SHOT, search.supernet(), samples, training, fabric, seconds=seconds, make=make)
        started_s, supernet, derived = time.perf_counter(), fit.weights(), search.derive(architecture)
        self.log.write("derived", genes=digits_of(derived[0]), strengths=architecture.strengths.tolist())
        self._stage("evolution", "started")
        job = CandidateJob(
            self.recipe,
            self._space,
            [supernet],
            data.validation_batches(),
            [data.recalibration_batches(samples)],
        )
        self._say_whether_it_ranks(search.compare(derived, job, self.log, self.folder.events, self.console))
        self._stage("evolution", "finished")
        seconds["evolution"] = time.perf_counter() - started_s
        return derived[0], supernet

    def _search_cells(self, data: RunData, fabric: Fabric, seconds: dict[str, float]) -> Genes:
        """Search NAS-UNet's cells as it does itself: no evolution, weights and architecture in turns.

        Raises:
            BudgetError: the network of the derived cells is over the limits; its search knows none.
        """
        net, architecture = build_cell_search(self.recipe)
        weight_samples, architecture_samples = data.halves()
        make = partial(AlternatingFit, architecture=architecture, architecture_samples=architecture_samples)
        training = self.recipe.one_shot
        self._fit("cells", net, weight_samples, training, fabric, seconds=seconds, make=make)
        genes = architecture.genes()
        self.log.write("cells", genes=digits_of(genes))
        self._refuse_over_limits(genes)
        return genes

    def _say_whether_it_ranks(self, chance: float) -> None:
        figure = self.recipe.evolution.fitness
        say_whether_it_ranks(self.log, self.folder.events, chance=chance, figure=figure, console=self.console)

    def _retrain(
        self,
        genes: Genes,
        supernet: nn.Module | None,
        data: RunData,
        fabric: Fabric,
        seconds: dict[str, float],
    ) -> nn.Module:
        recipe = self.recipe
        net = build_detector(self._spec(genes))
        initialise(net, recipe.network.initialisation, seed=recipe.seed + RETRAINING_SEED_OFFSET)
        if supernet is not None and recipe.network.retraining_start == "supernet":
            self._space.inherit(net, supernet, genes)
        if recipe.network.encoder_weights is not None:
            load_encoder_weights(net, recipe.network.encoder_weights)
        samples = data.retraining_samples(self._space.style(genes))
        fit = self._fit("retraining", net, samples, recipe.retraining, fabric, seconds=seconds)
        trained = fit.weights()
        if load_checkpoint(self.folder.weights) is None:
            save_checkpoint(self.folder.weights, {"net": trained.state_dict()})
        return trained

    def _fit(
        self,
        stage: str,
        net: nn.Module,
        samples: SyntheticSamples,
        training: TrainingRecipe,
        fabric: Fabric,
        *,
        seconds: dict[str, float],
        forward: Forward = plain_forward,
        make: Callable[..., Fit] = Fit,
    ) -> Fit:
        recipe = self.recipe
        plan = FitPlan(
            recipe=training,
            loss=LossWeights(**recipe.loss.model_dump()),
            compute=recipe.compute,
            seed=recipe.seed,
            num_steps=training.num_steps(len(samples)),
            checkpoint=self.folder.checkpoint(stage),
            forward=forward,
        )
        self._stage(stage, "started")
        if recipe.compute.devices > 1:
            train_on_ranks(net, samples, plan, stage=stage, events=self.folder.events, console=self.console)
        fit = make(net, samples, plan, fabric=fabric)
        seconds[stage] = run_logged(fit, plan, stage=stage, log=self.log, console=self.console)
        self._stage(stage, "finished")
        return fit

    def _stage(self, stage: str, state: str) -> None:
        self.log.write("stage", stage=stage, state=state)
