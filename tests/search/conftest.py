"""Small recipes, photos and networks that the tests of search share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from search.defects import PerlinDefects, ProceduralTextures
from search.defects.style import Frame
from search.nets.spec import NUM_NODES, Genes
from search.recipe import DefectsRecipe, Recipe, merge, parse_recipe
from search.training.feed import SyntheticSamples
from tests.conftest import draw_part

SIDE = 32  # the smallest input that every network takes

TINY: dict[str, Any] = {
    "preset": "quick",
    "data": {"size": SIDE},
    "network": {"width": 2, "reconstructor_width": 2},
    "one_shot": {"steps": 6, "batch_size": 4, "warmup_steps": 1},
    "evolution": {
        "population": 4,
        "top_k": 2,
        "crossover": 1,
        "mutation": 2,
        "iterations": 2,
        "validation_images": 8,
        "recalibration_batches": 2,
    },
    "retraining": {"steps": 6, "batch_size": 4, "warmup_steps": 1, "ema_decay": 0.5},
    "compute": {"precision": "fp32", "accelerator": "cpu", "checkpoint_steps": 4, "log_steps": 2},
}


def tiny_recipe(root: Path, changes: dict[str, Any] | None = None) -> Recipe:
    """A recipe whose whole run takes about a second; `changes` are laid over it."""
    return parse_recipe(merge(merge(TINY, {"data": {"root": str(root)}}), changes or {}))


def random_genotype(seed: int) -> Genes:
    """Genes of the space `unet`, drawn without any code under test."""
    return tuple(int(gene) for gene in np.random.default_rng(seed).integers(3, size=NUM_NODES))


def make_samples(num_photos: int = 5, *, seed: int = 0) -> SyntheticSamples:
    """Synthetic samples from drawn photos."""
    photos: list[Frame] = [draw_part(number, (SIDE, SIDE)) for number in range(num_photos)]
    style = PerlinDefects(ProceduralTextures(0, num_textures=2))
    return SyntheticSamples(photos, style, DefectsRecipe(), seed=seed)


@pytest.fixture(autouse=True)
def _torch_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    """A CPU in single precision."""
    return Fabric(accelerator="cpu", devices=1, precision="32-true")
