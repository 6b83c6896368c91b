"""How the learning rate goes: a factor for every step.

Source: `steps` is DRAEM's (x gamma at 80 and 90 %); `cosine` with warm-up: Loshchilov and Hutter (2017).
"""

from __future__ import annotations

import math

from search.recipe import TrainingRecipe


def rate_factor(step: int, *, num_steps: int, recipe: TrainingRecipe) -> float:
    """Return by what the learning rate is multiplied at `step`, counted from 0."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    if recipe.schedule == "cosine":
        progress = (step - recipe.warmup_steps) / max(1, num_steps - recipe.warmup_steps)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    passed = sum(step >= share * num_steps for share in recipe.milestones)
    return float(recipe.gamma**passed)
