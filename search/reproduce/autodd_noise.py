"""`inspector reproduce autodd-noise`: AutoDD with wrong masks and contaminated good photos, by loss.

Own design; [D] chapter 2 has no such table, its noise is that of class labels.

Every row is a whole AutoDD run: supernet, evolution, retraining, real test. Wrong masks are in the samples
that train, in those that give the fitness, or in both; contaminated photos are in all parts of the split.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from search.recipe import merge
from search.reproduce.chapter_5 import Chapter5, Method
from search.reproduce.contamination import write_pair
from search.reproduce.experiment import Options
from search.reproduce.photo_sets import PhotoSet

LOSSES = {"focal": "focal", "cce": "CCE", "rll": "RLL", "gce": "GCE"}
WRONG_MASKS = 0.6  # share of the drawn defects; eta of [D] chapter 2
CONTAMINATED_PHOTOS = 0.1  # share of the photos in train/good
HIDDEN_SEED = 0  # the photos stay the same for all seeds of the training
CONTAMINATED = "contaminated"
CONDITIONS: dict[str, tuple[str, dict[str, Any]]] = {  # those that lend their supernet come first
    "clean": ("clean", {}),
    "noisy_fitness": ("noisy fitness", {"mask_noise": {"fitness": WRONG_MASKS}}),
    "noisy_training": ("noisy training", {"mask_noise": {"training": WRONG_MASKS}}),
    "all_noisy": ("all noisy", {"mask_noise": {"fitness": WRONG_MASKS, "training": WRONG_MASKS}}),
    CONTAMINATED: ("contaminated photos", {}),
}
SAME_SUPERNET = {"noisy_fitness": "clean", "all_noisy": "noisy_training"}  # only the fitness differs


def _method(condition: str, loss: str) -> Method:
    label, changes = CONDITIONS[condition]
    lender = SAME_SUPERNET.get(condition)
    return Method(
        f"{condition}-{loss}",
        f"{label}, {LOSSES[loss]}",
        {},
        changes={**changes, "loss": {"segmentation": loss}},
        searches=True,
        supernet_of=f"{lender}-{loss}" if lender else "",
    )


class AutoDDNoise(Chapter5):
    name: ClassVar[str] = "autodd-noise"
    title: ClassVar[str] = "AutoDD under label noise: pixels of real defects"
    source: ClassVar[str] = "own design, beside [D] chapter 2"
    column: ClassVar[str] = "noise, loss"
    methods: ClassVar[tuple[Method, ...]] = tuple(
        _method(condition, loss) for condition in CONDITIONS for loss in LOSSES
    )

    def recipe(
        self, method: Method, photos: PhotoSet, seed: int, *, folder: Path, options: Options
    ) -> dict[str, Any]:
        record = super().recipe(method, photos, seed, folder=folder, options=options)
        clean, contaminated = (
            folder.parent / f"photos-{photos.key}-{what}" for what in ("clean", CONTAMINATED)
        )
        source = Path(record["data"]["root"])
        write_pair(source, clean, contaminated, share=CONTAMINATED_PHOTOS, seed=HIDDEN_SEED)
        root = contaminated if method.key.startswith(f"{CONTAMINATED}-") else clean
        return merge(record, {"data": {"root": str(root)}})

    def notes(self, options: Options) -> Sequence[str]:
        return (
            *super().notes(options),
            f"Wrong masks: {WRONG_MASKS:.0%} of the drawn defects are shifted, grown, shrunk, lack a region "
            f"or have one too many. Contaminated: {CONTAMINATED_PHOTOS:.0%} of the photos that are taken for "
            "good show a real defect; no row is tested on the parts that they show.",
        )
