"""A tuning of a small detector under the robustness constraint: the expensive constraint of Table 4.5.

Source: [D] Sec. 4.3.3 (the constraint that this one stands in for); search/tune.
Differs from the source: a detector on magnetic tiles instead of DistilBERT on SST2, the share of verdicts
that change under a camera's perturbations instead of CHECKLIST's average failure rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspector.console import Console
from inspector.errors import DatasetError, TrainingError
from search.ace.measured import read_lines
from search.ace.outcome import outcome_of
from search.recipe import Recipe, parse_recipe
from search.reproduce.credit.cell import DEFAULT_BUDGET_S, SLOTS, figures_of
from search.reproduce.experiment import Options, Value
from search.tune.experiment import policy_of, tuning_folder
from search.tune.found import settings_of
from search.tune.run import run_tune

MAX_FAILURES = 0.2
ROBUSTNESS = f"robustness: failures <= {MAX_FAILURES:g}"
FOLDER = "magnetic_tile"


def robustness_recipe(policy: str, seed: int, options: Options) -> Recipe:
    """Return the recipe of one row and seed: a network of plain convolutions, retrained at small size.

    Raises:
        DatasetError: the tiles are missing.
    """
    root = None if options.data is None else options.data / FOLDER
    if root is None or not root.is_dir():
        raise DatasetError(f"no folder {FOLDER} in {options.data}; give the folder of real data with --data")
    tune: dict[str, Any] = {
        "policy": policy,
        "searcher": "random",
        "constraints": {"robustness": {"max_failures": MAX_FAILURES}},
        "iterations": 8,
        "steps_per_iteration": 25,
        "trials": None,
        "seconds": options.budget_s or DEFAULT_BUDGET_S,
        "slots": SLOTS,
    }
    return parse_recipe(
        {
            "preset": "quick",
            "data": {"root": str(root), "layout": "magnetic_tile"},
            "network": {"genes": "0" * 18},
            "seed": seed,
            "tune": tune,
        }
    )


def measure_robustness(
    policy: str, seed: int, *, folder: Path, options: Options, console: Console
) -> Mapping[str, Value]:
    """Tune with one policy and seed and return what the table shows; score is pixel AUPR in percent."""
    recipe = robustness_recipe(policy, seed, options)
    run = folder / "tune"
    try:
        run_tune(recipe, run, console=console)
    except TrainingError as error:
        if not tuning_folder(run).finished.exists():
            raise
        console.say(str(error))  # nothing feasible is a result too
    lines = read_lines(tuning_folder(run).log)
    return figures_of(outcome_of(lines, policy_of(settings_of(recipe)).options))
