"""Candidates of `dual` are measured as the networks that would leave the supernet, and share exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from inspector.metrics import aupr
from search.autodd.dual_space import DualSpace
from search.autodd.fitness import HISTOGRAM_ERROR, FitnessEvaluator
from search.nets.detector import Detector, build_detector, initialise
from search.nets.dual import DualPath
from search.nets.spec import Genes
from search.training.feed import Batch, collate
from tests.search.conftest import make_samples

SPACE = DualSpace(4, 4)


def random_genes(seed: int) -> Genes:
    return tuple(int(gene) for gene in np.random.default_rng(seed).integers(SPACE.alphabets))


PARENT = random_genes(0)
PATH = DualPath.of(PARENT)
# Paths that part at the root, in the reconstructor, at the segmenter's width and at the last node.
POPULATION = [
    PARENT,
    random_genes(1),
    random_genes(2),
    (*PARENT[:11], (PARENT[11] + 1) % 3, *PARENT[12:]),
    replace(PATH, segmenter_level=(PATH.segmenter_level + 1) % 3).genes,
    (*PARENT[:-1], (PARENT[-1] + 1) % 3),
]


def batches(first_epoch: int) -> list[Batch]:
    samples = make_samples(6)
    return [collate([samples[first_epoch + epoch, index] for index in range(6)]) for epoch in range(2)]


VALIDATION, RECALIBRATION = batches(0), batches(10)


def evaluator(fabric: Fabric, *, cache_mb: float = 64) -> FitnessEvaluator:
    return FitnessEvaluator(
        make_supernet(),
        validation=VALIDATION,
        recalibration=RECALIBRATION,
        fabric=fabric,
        cache_mb=cache_mb,
    )


def make_supernet() -> nn.Module:
    net = SPACE.build_supernet()
    initialise(net, "he", seed=0)
    return net


def derived(genes: Genes) -> Detector:
    """The plain network with the supernet's weights and BN statistics of the recalibration batches."""
    net = build_detector(SPACE.spec(genes))
    SPACE.inherit(net, make_supernet(), genes)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for batch in RECALIBRATION:
            net.train()(batch.image)
    return net.eval()


def test_a_candidate_is_measured_as_the_network_that_would_leave_the_supernet(fabric: Fabric) -> None:
    measured = evaluator(fabric)
    labels = np.concatenate([batch.mask.numpy().ravel() > 0.5 for batch in VALIDATION])
    for genes in POPULATION[:3]:
        net = derived(genes)
        with torch.no_grad():
            scores = np.concatenate([net.score(batch.image).numpy().ravel() for batch in VALIDATION])
        assert measured.fitness(genes) == pytest.approx(aupr(scores, labels), abs=HISTOGRAM_ERROR)


@pytest.mark.parametrize("cache_mb", [0, 64])
def test_a_generation_together_equals_each_candidate_alone(fabric: Fabric, cache_mb: float) -> None:
    alone = {genes: evaluator(fabric).fitness(genes) for genes in POPULATION}
    together = evaluator(fabric, cache_mb=cache_mb)
    together.begin(POPULATION)
    assert dict(together.advance(POPULATION, together.num_rounds)) == alone
    assert len(set(alone.values())) == len(POPULATION)
