"""Supernets and networks of `rank-correlation`, each trained once and used by all rows.

Everything lies beside the rows' own folders, so that a row that was killed goes on with the network that was
being trained, and the next row takes what is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from lightning_fabric import Fabric
from torch import Tensor, nn

from inspector.console import Console
from inspector.output_file import write_file
from search.autodd.data import RunData, open_run_data
from search.autodd.evaluation_stage import evaluate_network
from search.autodd.evolution import EvolutionPlan, random_generation
from search.autodd.fitness import FitnessEvaluator
from search.autodd.paths import PathName, make_path
from search.autodd.plain_fitness import plain_fitness
from search.autodd.space import Space
from search.autodd.space_choice import open_space
from search.events import EventLog
from search.limits.limits import violations
from search.losses.segmentation import LossWeights
from search.nets.detector import build_detector, initialise
from search.nets.spec import Genes
from search.recipe import Recipe, TrainingRecipe
from search.stages import ONE_SHOT
from search.streams import Purpose, stream
from search.training.device import make_fabric
from search.training.feed import Batch, SyntheticSamples
from search.training.fit import Fit, FitPlan, Forward, plain_forward
from search.training.logged import run_logged


@dataclass(frozen=True)
class Supernet:
    """How a supernet is trained: how its paths are drawn, and for how many times the recipe's steps."""

    paths: PathName
    times: int

    @property
    def name(self) -> str:
        return f"{self.paths}-{self.times}"


@dataclass(frozen=True)
class Trained:
    """What a network reaches that was trained by itself: on synthetic defects, and on real ones if any."""

    fitness: float
    real: float | None


@dataclass(frozen=True)
class RankBench:
    """One seed: the networks that are compared, what they inherit, and what they reach by themselves.

    Networks are trained on the training part alone, as supernets are: fitness is measured on defects drawn
    on the validation part.
    """

    recipe: Recipe
    num_networks: int
    folder: Path
    console: Console

    @cached_property
    def networks(self) -> list[Genes]:
        """Random networks within the limits, drawn as the first generation of a search is."""
        costs = self._space.costs((self.recipe.data.size, self.recipe.data.size))
        plan = EvolutionPlan(self.num_networks, 1, 0, 0, 0.0, self.recipe.evolution.max_tries)
        return random_generation(
            (),
            costs.gene_space(),
            plan,
            lambda genes: not violations(costs.cost(genes), self.recipe.limits),
            stream(Purpose.EVOLUTION, seed=self.recipe.seed, number=0),
        )

    def inherited(self, supernet: Supernet, *, recalibrated: bool) -> list[float]:
        """Return the fitness of every network with the weights of a supernet.

        Args:
            recalibrated: BN statistics are measured afresh for each network, as in a search; else they are
                the moving averages over all paths that the training left behind.
        """
        net = self._train_supernet(supernet)
        if recalibrated:
            return self._with_own_statistics(net)
        return [self._fitness(partial(_logits, net, genes)) for genes in self.networks]

    def trained(self, *, start: int = 0) -> list[Trained]:
        """Return what every network reaches from fresh weights; another `start` draws other ones."""
        return [self._train_network(genes, start=start) for genes in self.networks]

    def _with_own_statistics(self, supernet: nn.Module) -> list[float]:
        evaluator = FitnessEvaluator(
            supernet,
            validation=self._validation,
            recalibration=self._data.recalibration_batches(self._samples),
            fabric=self._fabric,
            figure=self.recipe.evolution.fitness,
            cache_mb=self.recipe.compute.cache_mb,
        )
        evaluator.begin(self.networks)
        found = evaluator.advance(self.networks, evaluator.num_rounds)
        return [found[genes] for genes in self.networks]

    def _train_supernet(self, supernet: Supernet) -> nn.Module:
        recipe = self.recipe
        net = self._space.build_supernet()
        initialise(net, recipe.network.initialisation, seed=recipe.seed)
        space = self._space.costs((recipe.data.size, recipe.data.size)).gene_space()
        path = make_path(supernet.paths, space, seed=recipe.seed)
        return self._fit(
            f"{ONE_SHOT}-{supernet.name}",
            net,
            recipe.one_shot,
            checkpoint=self._own_folder / f"{supernet.name}.pt",
            times=supernet.times,
            forward=path,
        )

    def _train_network(self, genes: Genes, *, start: int) -> Trained:
        name = f"{self._space.digits(genes)}-{start}"
        file, checkpoint = self._own_folder / f"{name}.json", self._own_folder / f"{name}.pt"
        if file.exists():
            return Trained(**json.loads(file.read_text()))
        fresh = build_detector(self._space.spec(genes))
        initialise(fresh, self.recipe.network.initialisation, seed=self.recipe.seed + 1 + start)
        net = self._fit(f"retraining-{name}", fresh, self.recipe.retraining, checkpoint=checkpoint)
        found = Trained(self._fitness(lambda image: net(image)[1]), self._on_real_defects(net))
        write_file(file, json.dumps(vars(found)).encode())
        checkpoint.unlink(missing_ok=True)  # with its optimiser, a network of `paper` takes half a gigabyte
        return found

    def _fit(
        self,
        stage: str,
        net: nn.Module,
        training: TrainingRecipe,
        *,
        checkpoint: Path,
        times: int = 1,
        forward: Forward = plain_forward,
    ) -> nn.Module:
        recipe, samples = self.recipe, self._samples
        plan = FitPlan(
            recipe=training,
            loss=LossWeights(**recipe.loss.model_dump()),
            compute=recipe.compute,
            seed=recipe.seed,
            num_steps=times * training.num_steps(len(samples)),
            checkpoint=checkpoint,
            forward=forward,
        )
        fit = Fit(net, samples, plan, fabric=self._fabric)
        with EventLog(self._own_folder / "events.jsonl") as log:
            run_logged(fit, plan, stage=stage, log=log, console=self.console)
        return fit.weights()

    def _fitness(self, logits_of: Callable[[Tensor], Tensor]) -> float:
        figure = self.recipe.evolution.fitness
        return plain_fitness(logits_of, self._validation, fabric=self._fabric, figure=figure)

    def _on_real_defects(self, net: nn.Module) -> float | None:
        dataset, size_hw = self._data.dataset, self._data.size_hw
        if not dataset.test:
            return None
        with self.console.progress(len(dataset.test), "evaluation on real images") as advance:
            metrics = evaluate_network(net, dataset, size_hw=size_hw, on_sample=lambda: advance(1))
        return metrics.get("pixel_aupr")

    @cached_property
    def _own_folder(self) -> Path:
        folder = self.folder / f"networks-{self.recipe.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def _space(self) -> Space:
        return open_space(self.recipe)

    @cached_property
    def _data(self) -> RunData:
        return open_run_data(self.recipe)

    @cached_property
    def _samples(self) -> SyntheticSamples:
        return self._data.search_samples()

    @cached_property
    def _validation(self) -> list[Batch]:
        return self._data.validation_batches()

    @cached_property
    def _fabric(self) -> Fabric:
        return make_fabric(self.recipe.compute)


def _logits(supernet: nn.Module, genes: Genes, image: Tensor) -> Tensor:
    logits: Tensor = supernet(image, genes)[1]
    return logits
