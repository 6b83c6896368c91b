"""What the benchmark of candidate evaluation counts and compares is right; its times are not tested."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from benchmarks.candidate_evaluation.floor import Operations
from benchmarks.candidate_evaluation.kept import Kept
from benchmarks.candidate_evaluation.measure import Comparison, check_order, compare
from benchmarks.candidate_evaluation.subject import Subject
from benchmarks.widening import copy_widened
from search.limits.cost import network_cost
from search.nets.detector import OneShotDetector, build_one_shot, initialise
from search.nets.spec import NetworkSpec
from search.training.feed import collate
from tests.search.conftest import make_samples, random_genotype

SIDE = 32
POPULATION = [random_genotype(seed) for seed in range(6)]


def supernet(width: int) -> OneShotDetector:
    net = build_one_shot(width=width, reconstructor_width=width)
    initialise(net, "he", seed=0)
    return net


def test_plain_operations_are_those_of_the_network() -> None:
    operations = Operations(4, (SIDE, SIDE))
    for genes in POPULATION:
        spec = NetworkSpec("unet", genes, 4, 4)
        assert operations.plain(genes) == network_cost(spec, (SIDE, SIDE)).macs


def test_the_floor_counts_the_reconstructor_once_and_every_prefix_once() -> None:
    operations, genes = Operations(4, (SIDE, SIDE)), POPULATION[0]
    assert operations.floor([genes]) == 1
    twins = [genes, (*genes[:-1], (genes[-1] + 1) % 3)]
    both, last = sum(map(operations.plain, twins)), operations.plain(twins[1]) - operations.plain(twins[0])
    saved = both - operations.unavoidable(twins)
    # The reconstructor and the first 17 nodes; only the last node and the head are computed twice.
    alone = operations.plain(genes)
    assert 0 < alone - saved < alone / 2
    assert operations.unavoidable(twins) - alone == alone + last - saved


def test_a_widened_supernet_computes_the_same_along_any_path() -> None:
    narrow, wide = supernet(2), supernet(4)
    copy_widened(narrow, wide)
    image = torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        for genes, net_is_training in itertools.product(POPULATION[:3], (False, True)):
            expected, found = (net.train(net_is_training)(image, genes)[1] for net in (narrow, wide))
            assert expected.std() > 0.03
            assert torch.allclose(found, expected, atol=3e-3)  # BN divides by the spread of a few values


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1, precision="32-true")


@pytest.fixture(scope="module")
def subject() -> Subject:
    samples = make_samples(6)
    batches = [
        collate([samples.draw((epoch, i), defect_probability=float(epoch < 2)) for i in range(6)])
        for epoch in range(5)
    ]
    net = supernet(2)
    return Subject(net, net, batches[:4], batches[3:], POPULATION, POPULATION)


def test_a_comparison_finds_that_nothing_differs_and_goes_on_from_what_is_kept(
    subject: Subject, fabric: Fabric, tmp_path: Path
) -> None:
    lines: list[str] = []

    def run() -> Comparison:
        return compare(
            subject,
            POPULATION,
            operations=Operations(2, (SIDE, SIDE)),
            top_k=2,
            num_plain=4,
            fabric=fabric,
            say=lines.append,
            kept=Kept(tmp_path / "measured.json"),
        )

    found = run()
    assert found == run()  # its seconds, too: nothing was measured again
    del lines[6:]
    assert found.holds
    assert found.floor > 1
    assert len(lines) == 6
    order = check_order(subject.narrow, subject, POPULATION, fabric=fabric)
    assert order.swapped == 0
