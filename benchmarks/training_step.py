"""A training whose single steps can be timed, and a batch for it."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from search.defects import Defective
from search.defects.style import Frame
from search.losses.segmentation import LossWeights
from search.nets.detector import initialise
from search.recipe import Recipe, TrainingRecipe
from search.training.device import make_fabric
from search.training.feed import Batch, SyntheticSamples
from search.training.fit import Fit, FitPlan, Forward, plain_forward


def step_of(
    net: nn.Module, recipe: Recipe, training: TrainingRecipe, *, forward: Forward = plain_forward
) -> Fit:
    """Return a fresh training of `net`; `learn(batch)` is one step as a run takes it."""
    initialise(net, recipe.network.initialisation, seed=0)
    plan = FitPlan(
        recipe=training,
        loss=LossWeights(**recipe.loss.model_dump()),
        compute=recipe.compute,
        seed=0,
        num_steps=1_000_000,
        checkpoint=Path("/nonexistent/checkpoint.pt"),
        forward=forward,
    )
    no_photos = SyntheticSamples([], _no_defect, recipe.defects, seed=0)
    return Fit(net, no_photos, plan, fabric=make_fabric(recipe.compute))


def random_batch(size: int, count: int) -> Batch:
    """Return `count` images of noise with five per cent defective pixels."""
    image = torch.rand(count, 3, size, size)
    mask = (torch.rand(count, 1, size, size) > 0.95).float()
    return Batch(image=image, target=image.clone(), mask=mask)


def _no_defect(frame: Frame, rng: np.random.Generator) -> Defective:
    return Defective(frame.copy(), np.zeros(frame.shape[:2], np.uint8))
