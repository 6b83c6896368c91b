"""The fitness of a candidate depends on the supernet's weights and its genes, on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from benchmarks.candidate_evaluation.plain import PlainEvaluator
from inspector.errors import InputError
from inspector.metrics import aupr
from search.autodd.fitness import HISTOGRAM_ERROR, FitnessEvaluator
from search.nets.detector import OneShotDetector, build_one_shot, initialise
from search.nets.spec import Genes
from search.training.feed import Batch, collate
from tests.search.conftest import make_samples, random_genotype

POPULATION = [random_genotype(seed) for seed in range(4)]


def batches(first_epoch: int) -> list[Batch]:
    samples = make_samples(8)
    return [collate([samples[first_epoch + epoch, index] for index in range(8)]) for epoch in range(2)]


def make_supernet() -> OneShotDetector:
    supernet = build_one_shot(width=2, reconstructor_width=2)
    initialise(supernet, "he", seed=0)
    return supernet


def make_evaluator(supernet: OneShotDetector, fabric: Fabric) -> FitnessEvaluator:
    return FitnessEvaluator(supernet, validation=batches(0), recalibration=batches(10), fabric=fabric)


def norms_of(supernet: OneShotDetector, genes: Genes) -> list[nn.BatchNorm2d]:
    return [
        module
        for node, gene in enumerate(genes)
        for module in supernet.segmenter.operation(node, gene).modules()
        if isinstance(module, nn.BatchNorm2d)
    ]


def test_fitness_does_not_depend_on_what_was_evaluated_before(fabric: Fabric) -> None:
    fresh = [make_evaluator(make_supernet(), fabric).fitness(genes) for genes in POPULATION]
    evaluator = make_evaluator(make_supernet(), fabric)
    assert [evaluator.fitness(genes) for genes in POPULATION] == fresh
    assert [evaluator.fitness(genes) for genes in reversed(POPULATION)] == fresh[::-1]
    assert len(set(fresh)) == len(POPULATION)


def test_fitness_does_not_depend_on_the_statistics_that_training_left(fabric: Fabric) -> None:
    supernet = make_supernet()
    for module in supernet.segmenter.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.running_mean)  # type: ignore[arg-type]
    genes = POPULATION[0]
    assert make_evaluator(supernet, fabric).fitness(genes) == make_evaluator(make_supernet(), fabric).fitness(
        genes
    )


def test_validation_samples_without_a_defect_are_refused(fabric: Fabric) -> None:
    good = [replace(batch, mask=torch.zeros_like(batch.mask)) for batch in batches(0)]
    with pytest.raises(InputError, match=r"0 of 16384 validation pixels are defective.*validation_images"):
        FitnessEvaluator(make_supernet(), validation=good, recalibration=batches(10), fabric=fabric)


def test_no_weight_of_the_supernet_changes(fabric: Fabric) -> None:
    supernet = make_supernet()
    before = [parameter.detach().clone() for parameter in supernet.parameters()]
    reconstructor = [buffer.clone() for buffer in supernet.reconstructor.buffers()]
    evaluator = make_evaluator(supernet, fabric)
    for genes in POPULATION:
        evaluator.fitness(genes)
    assert all(torch.equal(p, old) for p, old in zip(supernet.parameters(), before, strict=True))
    buffers = list(supernet.reconstructor.buffers())
    assert all(torch.equal(buffer, old) for buffer, old in zip(buffers, reconstructor, strict=True))


def test_recalibration_gives_the_mean_statistics_of_its_batches(fabric: Fabric) -> None:
    """Of the plain evaluation, which the shared one equals (test_shared_evaluation.py)."""
    supernet, genes = make_supernet(), POPULATION[0]
    PlainEvaluator(supernet, validation=batches(0), recalibration=batches(10), fabric=fabric).recalibrate(
        genes
    )
    norms = norms_of(supernet, genes)
    assert all(int(norm.num_batches_tracked) == 2 for norm in norms)  # type: ignore[arg-type]
    assert not any(torch.equal(norm.running_mean, torch.zeros_like(norm.running_mean)) for norm in norms)  # type: ignore[arg-type]

    first = supernet.segmenter.operation(0, genes[0])
    inputs: list[torch.Tensor] = []
    hook = norms[0].register_forward_pre_hook(lambda _module, args: inputs.append(args[0]))
    with torch.no_grad():
        for batch in batches(10):
            first(torch.cat([supernet.reconstructor(batch.image), batch.image], dim=1))
    hook.remove()
    mean = torch.stack([x.mean(dim=(0, 2, 3)) for x in inputs]).mean(dim=0)
    assert norms[0].running_mean is not None
    assert torch.allclose(norms[0].running_mean, mean, atol=1e-5)


def test_fitness_is_the_pixel_aupr_of_all_validation_samples_together(fabric: Fabric) -> None:
    supernet, genes = make_supernet(), POPULATION[1]
    plain = PlainEvaluator(supernet, validation=batches(0), recalibration=batches(10), fabric=fabric)
    with torch.no_grad():
        plain.recalibrate(genes)
        scores = [plain.score(batch.image, genes).numpy().ravel() for batch in batches(0)]
    exact = aupr(np.concatenate(scores), np.concatenate([b.mask.numpy().ravel() for b in batches(0)]))
    assert make_evaluator(supernet, fabric).fitness(genes) == pytest.approx(exact, abs=HISTOGRAM_ERROR)
