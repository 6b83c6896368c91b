"""The learning rate at every step that matters."""

from __future__ import annotations

import pytest

from search.recipe import TrainingRecipe
from search.training.schedule import rate_factor


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 1), (639, 1), (640, 0.2), (719, 0.2), (720, 0.04), (799, 0.04)],
)
def test_draems_schedule_drops_at_80_and_90_percent(step: int, factor: float) -> None:
    recipe = TrainingRecipe(steps=800, schedule="steps", milestones=(0.8, 0.9), gamma=0.2)
    assert rate_factor(step, num_steps=800, recipe=recipe) == pytest.approx(factor)


@pytest.mark.parametrize(
    ("step", "factor"),
    [(0, 0.25), (1, 0.5), (3, 1.0), (4, 1.0), (8, 0.5), (12, 0.0), (99, 0.0)],
)
def test_cosine_after_a_linear_warm_up(step: int, factor: float) -> None:
    recipe = TrainingRecipe(steps=12, schedule="cosine", warmup_steps=4)
    assert rate_factor(step, num_steps=12, recipe=recipe) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize(
    ("recipe", "num_steps"),
    [
        (TrainingRecipe(steps=3, schedule="cosine", warmup_steps=10), 3),  # all of it is warm-up
        (TrainingRecipe(steps=1, schedule="cosine"), 1),
        (TrainingRecipe(steps=5, milestones=()), 5),
    ],
)
def test_every_step_of_odd_trainings_learns_something(recipe: TrainingRecipe, num_steps: int) -> None:
    factors = [rate_factor(step, num_steps=num_steps, recipe=recipe) for step in range(num_steps)]
    assert all(0 < factor <= 1 for factor in factors)
