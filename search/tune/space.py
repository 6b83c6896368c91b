"""What a trial may choose, as a space of Ray Tune, and the recipe that its choice makes."""

from __future__ import annotations

from typing import Any

from ray import tune

from search.recipe import Recipe
from search.tune.recipe import CHOICES, LOG_RANGES, SpaceRecipe, TuneRecipe

SECTIONS = {
    "learning_rate": "retraining",
    "batch_size": "retraining",
    "weight_decay": "retraining",
    "ema_decay": "retraining",
    "focal_gamma": "loss",
    "focal_alpha": "loss",
    "ssim": "loss",
    "blend_max": "defects",
    "rotate_probability": "defects",
    "width": "network",
}
CAMERA = "camera_probability"  # a section of its own would be empty without a tuning


def ray_space(space: SpaceRecipe) -> dict[str, Any]:
    """Return name -> a domain of Ray Tune for everything that is tuned."""
    domains: dict[str, Any] = {}
    for name, values in space:
        if values is None:
            continue
        if name in CHOICES:
            domains[name] = tune.choice(list(values))
        elif name in LOG_RANGES:
            domains[name] = tune.loguniform(*values)
        else:
            domains[name] = tune.uniform(*values)
    return domains


def first_config(recipe: Recipe, space: SpaceRecipe) -> dict[str, Any]:
    """Return the recipe's own values, each moved into its range: the first trial is the untuned training."""
    config: dict[str, Any] = {}
    for name, values in space:
        if values is None:
            continue
        own = 0.0 if name == CAMERA else getattr(getattr(recipe, SECTIONS[name]), name)
        if own is None:  # focal_alpha: none weighs both classes alike
            own = 0.5
        if name in CHOICES:
            config[name] = min(values, key=lambda value: abs(value - own))
        else:
            config[name] = min(max(own, values[0]), values[1])
    return config


def trial_recipe(recipe: Recipe, settings: TuneRecipe, config: dict[str, Any]) -> Recipe:
    """Return the recipe that trains one configuration for the whole length of a trial."""
    changes: dict[str, dict[str, Any]] = {
        "retraining": {"steps": settings.num_steps, "epochs": None},
        "loss": {},
        "defects": {},
        "network": {},
    }
    for name, value in config.items():
        if name != CAMERA:
            changes[SECTIONS[name]][name] = value
    sections = {
        name: getattr(recipe, name).model_copy(update=update) for name, update in changes.items() if update
    }
    return recipe.model_copy(update=sections)
