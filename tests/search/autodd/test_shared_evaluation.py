"""Sharing changes nothing: a generation evaluated together equals each candidate alone, to the bit."""

from __future__ import annotations

import random

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from benchmarks.candidate_evaluation.plain import PlainEvaluator
from search.autodd.fitness import Figure, FitnessEvaluator
from search.nets.detector import OneShotDetector, build_one_shot, initialise
from search.nets.spec import Genes
from search.training.device import for_convolutions
from search.training.feed import Batch, collate
from tests.search.conftest import make_samples, random_genotype

RANDOM = [random_genotype(seed) for seed in range(5)]
PARENT = random_genotype(100)


def changed(place: int, by: int = 1) -> Genes:
    return (*PARENT[:place], (PARENT[place] + by) % 3, *PARENT[place + 1 :])


# Paths that part at the root, in the encoder, at the bottleneck, in the decoder and at the last node.
POPULATION = [PARENT, *RANDOM, *(changed(place, by) for place in (1, 4, 8, 9, 12, 17) for by in (1, 2))]


def batches(first_epoch: int) -> list[Batch]:
    samples = make_samples(6)
    return [collate([samples[first_epoch + epoch, index] for index in range(6)]) for epoch in range(3)]


VALIDATION, RECALIBRATION = batches(0), batches(10)


def supernet(width: int = 4) -> OneShotDetector:
    net = build_one_shot(width=width, reconstructor_width=2)
    initialise(net, "he", seed=0)
    for_convolutions(net)
    return net


def shared(fabric: Fabric, figure: Figure = "aupr", *, cache_mb: float = 64) -> FitnessEvaluator:
    return FitnessEvaluator(
        supernet(),
        validation=VALIDATION,
        recalibration=RECALIBRATION,
        fabric=fabric,
        figure=figure,
        cache_mb=cache_mb,
    )


def generation(evaluator: FitnessEvaluator, population: list[Genes]) -> dict[Genes, float]:
    evaluator.begin(population)
    return dict(evaluator.advance(population, evaluator.num_rounds))


@pytest.fixture(scope="module")
def plain(fabric: Fabric) -> dict[Genes, float]:
    evaluator = PlainEvaluator(supernet(), validation=VALIDATION, recalibration=RECALIBRATION, fabric=fabric)
    return {genes: evaluator.fitness(genes) for genes in POPULATION}


def test_shared_equals_plain(fabric: Fabric, plain: dict[Genes, float]) -> None:
    assert len(set(plain.values())) == len(POPULATION)
    assert generation(shared(fabric), POPULATION) == plain


@pytest.mark.parametrize("cache_mb", [0, 0.02, 0.1, 0.3, 1])
def test_any_amount_of_memory_gives_the_same(
    fabric: Fabric, plain: dict[Genes, float], cache_mb: float
) -> None:
    assert generation(shared(fabric, cache_mb=cache_mb), POPULATION) == plain


def test_any_order_and_any_company_give_the_same(fabric: Fabric, plain: dict[Genes, float]) -> None:
    evaluator, mixed = shared(fabric), list(POPULATION)
    random.Random(0).shuffle(mixed)
    assert generation(evaluator, mixed) == plain
    some = mixed[:7]
    assert generation(evaluator, some) == {genes: plain[genes] for genes in some}
    assert evaluator.fitness(PARENT) == plain[PARENT]


def test_rounds_taken_apart_give_the_same(fabric: Fabric, plain: dict[Genes, float]) -> None:
    evaluator, ahead = shared(fabric), POPULATION[::3]
    others = [genes for genes in POPULATION if genes not in ahead]
    evaluator.begin(POPULATION)
    evaluator.advance(POPULATION, 1)
    last = evaluator.num_rounds
    fitness = dict(evaluator.advance(ahead, last))
    for to_round in range(2, last + 1):
        fitness.update(evaluator.advance(others, to_round))
    assert fitness == plain


def test_auroc_is_shared_too(fabric: Fabric) -> None:
    plain = PlainEvaluator(
        supernet(), validation=VALIDATION, recalibration=RECALIBRATION, fabric=fabric, figure="auroc"
    )
    some = POPULATION[:3]
    assert generation(shared(fabric, "auroc"), some) == {genes: plain.fitness(genes) for genes in some}


def test_the_supernet_is_left_as_it_was(fabric: Fabric) -> None:
    net = supernet()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    evaluator = FitnessEvaluator(net, validation=VALIDATION, recalibration=RECALIBRATION, fabric=fabric)
    generation(evaluator, POPULATION[:4])
    after = net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.1}
