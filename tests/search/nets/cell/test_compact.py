"""The compact network of a genotype: published sizes, dropped paths, the auxiliary head."""

from __future__ import annotations

import pytest
import torch

from search.nets.cell.compact import CompactNet, drop_paths
from search.nets.cell.genotype import parse_genotype
from search.nets.cell.space import NASB_OPERATIONS
from tests.search.nets.cell.genotypes import DARTS_V2, random_genotype


def test_the_published_genotype_has_its_published_size() -> None:
    net = CompactNet(DARTS_V2, auxiliary=False)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == 3.3


@pytest.mark.parametrize("seed", range(3))
def test_any_genotype_learns_through_both_heads(seed: int) -> None:
    found = random_genotype(NASB_OPERATIONS, seed, num_normal=6, num_reduce=2)
    net = CompactNet(found, num_cells=8, channels=4)
    logits, auxiliary = net(torch.randn(2, 3, 32, 32), 0.2)
    assert auxiliary is not None
    assert logits.shape == auxiliary.shape == (2, 10)
    (logits.square().sum() + auxiliary.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_in_evaluation_no_path_is_dropped_and_there_is_one_head() -> None:
    net = CompactNet(DARTS_V2, num_cells=3, channels=4).eval()
    x = torch.randn(2, 3, 32, 32)
    first, auxiliary = net(x, 0.5)
    assert auxiliary is None
    assert torch.equal(first, net(x)[0])


def test_a_dropped_path_is_a_whole_sample_and_the_mean_stays() -> None:
    x = torch.ones(4000, 2, 2, 2)
    dropped = drop_paths(x, 0.2)
    per_sample = dropped.flatten(1)
    assert ((per_sample == 0).all(dim=1) | (per_sample == 1.25).all(dim=1)).all()
    assert abs(float(dropped.mean()) - 1.0) < 0.03


def test_the_output_is_that_of_the_named_nodes_alone() -> None:
    text = "skip_connect(0) + skip_connect(1) | sep_3x3(2) + skip_connect(0) > 3"
    net = CompactNet(
        parse_genotype(f"normal: {text}; reduce: {text}"), num_cells=3, channels=4, auxiliary=False
    )
    assert net(torch.randn(2, 3, 32, 32))[0].shape == (2, 10)
    assert net.linear.in_features == 16  # one node of 4 channels, doubled twice
