"""What a tuning asks of ACE, and where its trials lie."""

from __future__ import annotations

from pathlib import Path

from search.ace.options import constraints_of
from search.ace.policies import Policy, make_policy
from search.ace.tuning import TuningFolder
from search.tune.recipe import TuneRecipe

METRIC = "pixel_aupr"


def policy_of(settings: TuneRecipe) -> Policy:
    """Return the policy of a recipe, over its objective and constraints."""
    return make_policy(
        settings.policy,
        metric=METRIC,
        mode="max",
        constraints=constraints_of(settings.constraints.thresholds()),
        max_iterations=settings.iterations,
        truncation=settings.truncation,
    )


def tuning_folder(run: Path) -> TuningFolder:
    """Return where the trials of a run lie."""
    return TuningFolder(run / "tuning")
