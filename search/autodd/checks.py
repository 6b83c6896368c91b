"""What a run refuses before it trains: photos or a device other than at its beginning, too many devices."""

from __future__ import annotations

from pathlib import Path

from inspector.dataset import Dataset
from inspector.errors import RecipeError
from search.begun_with import refuse_another
from search.events import EventLog
from search.limits.limits import device_record
from search.recipe import LimitsRecipe, Recipe
from search.training.parallel import check_devices


def refuse_other_data(log: EventLog, events: Path, dataset: Dataset) -> None:
    """Note the photos, or raise RunError where a run was begun with others.

    Other photos are split in another way: some of the calibration part would have trained.
    """
    what = f"the photos at {dataset.root} have"
    fields = {"fingerprint": dataset.fingerprint()}
    refuse_another(log, events, "data", fields, what=what, old="the old ones")


def refuse_other_device(log: EventLog, events: Path, limits: LimitsRecipe) -> None:
    """Note the device of the limits, or raise RunError where a run was begun with another profile.

    Another profile makes other candidates feasible: those of two devices would be mixed.
    """
    device = device_record(limits)
    if device is not None:
        refuse_another(
            log,
            events,
            "device",
            device,
            what=f"the profile {limits.device} has",
            old="the old one",
            compared=["fingerprint"],
        )


def check_all_devices(recipe: Recipe) -> None:
    """Raise RecipeError where the search or a training cannot be shared among the recipe's devices."""
    if recipe.compute.devices > 1 and recipe.network.family == "nas_unet":
        raise RecipeError("nas_unet searches its cells on one device; set compute.devices to 1")
    if recipe.compute.devices > 1 and recipe.method == "nasb" and not recipe.network.is_fixed:
        raise RecipeError("method nasb searches on one device; set compute.devices to 1")
    for training in (recipe.one_shot, recipe.retraining):
        check_devices(recipe.compute, batch_size=training.batch_size)
