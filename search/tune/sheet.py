"""A contact sheet of the perturbations: what the robustness suite does to the user's own part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from inspector.output_file import write_file
from inspector.render import Tile, contact_sheet, encode_png
from search.autodd.data import open_run_data
from search.recipe import Recipe
from search.training.feed import load_frames
from search.tune.found import settings_of
from search.tune.perturbations import PERTURBATIONS, Frame, Seen, perturb
from search.tune.recipe import MILD

COLUMNS = 4
STRONGER = 2.0  # beside each strength of the recipe, to show where it leads


def write_sheet(recipe: Recipe, path: Path) -> Path:
    """Draw the recipe's perturbations, and twice as strong ones beside them, on one good photo.

    Raises:
        RecipeError: the recipe has no section `tune`.
        DatasetError: the data set cannot be opened.
        StorageError: the picture cannot be written.
    """
    robustness = settings_of(recipe).constraints.robustness
    data = open_run_data(recipe)
    frame = load_frames(data.split.validation[:1], size_hw=data.size_hw)[0]
    sheet = perturbation_sheet(frame, MILD if robustness is None else robustness.strengths)
    return write_file(path, encode_png(sheet))


def perturbation_sheet(
    frame: Frame, strengths: Mapping[str, Sequence[float]], *, cell_px: int = 256
) -> Frame:
    """Return the frame as it is and after each perturbation, at its strength and at twice of it."""
    nothing = np.zeros(frame.shape[:2], np.uint8)
    tiles = [Tile(frame, "as it is")]
    for kind, values in strengths.items():
        perturbation = PERTURBATIONS[kind]
        for value in values:
            for strength in (value, min(STRONGER * value, perturbation.largest)):
                seen: Seen = perturb(
                    frame, nothing, kind=kind, strength=strength, rng=np.random.default_rng(0)
                )
                tiles.append(Tile(seen.frame, f"{kind} {strength:g} {perturbation.unit}"))
    return np.asarray(contact_sheet(tiles, columns=COLUMNS, cell_px=cell_px), np.uint8)
