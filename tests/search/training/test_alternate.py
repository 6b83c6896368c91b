"""NAS-UNet's search: both sides learn from their own samples; a resumed search is the uninterrupted one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric

from search.losses.segmentation import LossWeights
from search.nets.detector import initialise
from search.nets.peers.nas_unet_supernet import Architecture, NasUNetSupernet, SearchedDetector
from search.recipe import ComputeRecipe, TrainingRecipe
from search.training.alternate import AlternatingFit
from search.training.checkpoint import load_checkpoint
from search.training.fit import FitPlan
from tests.search.conftest import make_samples

NUM_STEPS = 4
RECIPE = TrainingRecipe(steps=NUM_STEPS, batch_size=2, learning_rate=0.01)
COMPUTE = ComputeRecipe(precision="fp32", accelerator="cpu", checkpoint_steps=2, log_steps=2)


def make_fit(checkpoint: Path, fabric: Fabric, *, second_seed: int = 7) -> AlternatingFit:
    net = SearchedDetector(None, NasUNetSupernet(width=4))
    initialise(net, "he", seed=0)
    plan = FitPlan(
        recipe=RECIPE,
        loss=LossWeights(),
        compute=COMPUTE,
        seed=0,
        num_steps=NUM_STEPS,
        checkpoint=checkpoint,
    )
    return AlternatingFit(
        net,
        make_samples(4),
        plan,
        fabric=fabric,
        architecture=Architecture(seed=0),
        architecture_samples=make_samples(3, seed=second_seed),
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, fabric: Fabric) -> Path:
    torch.manual_seed(0)
    checkpoint = tmp_path_factory.mktemp("cells") / "cells.pt"
    make_fit(checkpoint, fabric).run(lambda _: None, lambda _: None)
    return checkpoint


def test_a_resumed_search_ends_like_an_uninterrupted_one(
    uninterrupted: Path, tmp_path: Path, fabric: Fabric
) -> None:
    checkpoint = tmp_path / "cells.pt"
    make_fit(checkpoint, fabric).run(lambda _: None, lambda _: None, until=2)
    make_fit(checkpoint, fabric).run(lambda _: None, lambda _: None)
    one, other = load_checkpoint(uninterrupted), load_checkpoint(checkpoint)
    assert one is not None
    assert other is not None
    for part in ("net", "architecture"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(one[part][name], other[part][name]) for name in one[part])
    assert str(one["architecture_optimizer"]) == str(other["architecture_optimizer"])


def test_the_architecture_learns_from_its_own_samples_alone(
    uninterrupted: Path, tmp_path: Path, fabric: Fabric
) -> None:
    fresh = Architecture(seed=0).state_dict()
    learnt = load_checkpoint(uninterrupted)
    make_fit(tmp_path / "cells.pt", fabric, second_seed=8).run(lambda _: None, lambda _: None)
    elsewhere = load_checkpoint(tmp_path / "cells.pt")
    assert learnt is not None
    assert elsewhere is not None
    for name, alpha in fresh.items():
        assert not torch.equal(alpha, learnt["architecture"][name])
        assert not torch.equal(elsewhere["architecture"][name], learnt["architecture"][name])


def test_a_step_of_the_weights_leaves_the_architecture_and_the_other_way_round(
    tmp_path: Path, fabric: Fabric
) -> None:
    fit = make_fit(tmp_path / "cells.pt", fabric)
    weights = {name: value.clone() for name, value in fit.net.state_dict().items()}
    fit._learn_architecture()
    assert all(torch.equal(value, weights[name]) for name, value in fit.net.state_dict().items())
    assert all(parameter.grad is None for parameter in fit.net.parameters())


def test_a_mixed_edge_is_the_weighted_sum_of_its_operations() -> None:
    """With all weight on one operation an edge is that operation: the mixture is no other network."""
    net = NasUNetSupernet(width=4).train()
    initialise(SearchedDetector(None, net), "he", seed=0)
    cell = net.cells[0]
    x, y = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    one_hot = {
        key: torch.eye(value.shape[1])[torch.zeros(len(value), dtype=torch.long)]
        for key, value in Architecture(seed=0).weights().items()
    }
    out = cell(x, y, one_hot)  # average pooling on both inputs, nothing between the nodes
    pooled = torch.nn.functional.avg_pool2d(x + y, 2)
    torch.testing.assert_close(out, pooled.expand(-1, 3, -1, -1))
