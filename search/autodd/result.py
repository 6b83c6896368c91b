"""What a finished run writes into result.json.

Source: design.md, "Run folder".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from inspector import __version__
from search.autodd.data import RunData
from search.limits.limits import device_record, limited_cost
from search.machine import processor
from search.nets.spec import NetworkSpec
from search.recipe import Recipe
from search.run_folder import RESULT_SCHEMA
from search.training.device import resolve


@dataclass(frozen=True)
class Chosen:
    """The network of a run; `space` and `digits` are empty for a family without genes."""

    space: str
    digits: str
    spec: NetworkSpec
    style: str = ""  # of the defects that it was trained on


def result_of(
    recipe: Recipe, chosen: Chosen, data: RunData, *, metrics: dict[str, Any], seconds: dict[str, float]
) -> dict[str, Any]:
    """Return plain values for JSON; of equal runs only `seconds` and the latency among `metrics` differ."""
    dataset = data.dataset
    return {
        "schema": RESULT_SCHEMA,
        "state": "finished",
        "genes": {"space": chosen.space, "digits": chosen.digits},
        "style": chosen.style,
        "searched": not recipe.network.is_fixed,
        "network": chosen.spec.as_dict(),
        "size_hw": list(data.size_hw),
        **limited_cost(chosen.spec, data.size_hw, recipe.limits).as_dict(),
        "limits": recipe.limits.model_dump(),
        "device": device_record(recipe.limits),
        "metrics": metrics,
        "recipe": recipe.model_dump(mode="json"),
        "seed": recipe.seed,
        "data": {
            "root": str(dataset.root.resolve()),
            "layout": dataset.layout,
            "fingerprint": dataset.fingerprint(),
            "num_training": len(data.split.training),
            "num_validation": len(data.split.validation),
            "num_calibration": len(data.split.calibration),
            "num_test_good": len(dataset.test_good),
            "num_test_defects": len(dataset.test_defects),
        },
        "provenance": {
            "code_version": __version__,
            "torch": torch.__version__,
            "precision": resolve(recipe.compute)[1],
            "machine": f"{processor()}, {torch.get_num_threads()} threads",
        },
        "seconds": seconds,
    }
