"""A killed training of the supernet of `dual` ends as the uninterrupted one."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from search.autodd.dual_space import DualSpace
from search.autodd.evolution import GeneSpace
from search.autodd.paths import RandomPath
from search.losses.segmentation import LossWeights
from search.nets.detector import initialise
from search.recipe import ComputeRecipe, TrainingRecipe
from search.training.checkpoint import load_weights
from search.training.fit import Fit, FitPlan
from tests.search.conftest import make_samples

SPACE = DualSpace(4, 4)
RECIPE = TrainingRecipe(steps=4, batch_size=2, optimizer="adamw", weight_decay=0.01, ema_decay=0.5)
COMPUTE = ComputeRecipe(precision="fp32", accelerator="cpu", checkpoint_steps=2, log_steps=2)


def fit(checkpoint: Path, fabric: Fabric) -> Fit:
    net = SPACE.build_supernet()
    initialise(net, "he", seed=0)
    path = RandomPath(GeneSpace(SPACE.alphabets, (None,) * 42), seed=0)
    plan = FitPlan(RECIPE, LossWeights(), COMPUTE, 0, 4, checkpoint, path)
    return Fit(net, make_samples(), plan, fabric=fabric)


def vector(net: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().reshape(-1) for parameter in net.parameters()])


def test_resumed_equals_uninterrupted_and_its_weights_can_be_read_alone(
    tmp_path: Path, fabric: Fabric
) -> None:
    whole = fit(tmp_path / "whole.pt", fabric)
    whole.run(lambda _: None, lambda _: None)
    fit(tmp_path / "part.pt", fabric).run(lambda _: None, lambda _: None, until=2)
    resumed = fit(tmp_path / "part.pt", fabric)
    assert resumed.first_step == 2
    resumed.run(lambda _: None, lambda _: None)
    assert torch.equal(vector(resumed.weights()), vector(whole.weights()))
    read = SPACE.build_supernet()
    load_weights(read, tmp_path / "whole.pt")
    assert torch.equal(vector(read), vector(whole.weights()))
