"""From the recipe's section `defects` to the style that draws them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from search.defects.cutout import CutoutDefects
from search.defects.cutpaste import CutPasteDefects
from search.defects.mixture import MixedDefects
from search.defects.perlin import PerlinDefects
from search.defects.scar import ScarDefects
from search.defects.style import DefectStyle, Frame
from search.defects.surface import SurfaceDefects
from search.defects.textures import FolderTextures, ProceduralTextures, TextureSource
from search.recipe import DefectsRecipe

Maker = Callable[[DefectsRecipe, TextureSource, Sequence[Frame]], DefectStyle]

STYLES: dict[str, Maker] = {
    "perlin": lambda recipe, textures, frames: PerlinDefects(textures, blend_max=recipe.blend_max),
    "cutout": lambda recipe, textures, frames: CutoutDefects(),
    "cutpaste": lambda recipe, textures, frames: CutPasteDefects(frames),
    "scar": lambda recipe, textures, frames: ScarDefects(),
    "surface": lambda recipe, textures, frames: SurfaceDefects(frames),
}


def make_textures(recipe: DefectsRecipe, *, seed: int) -> TextureSource:
    """Return the textures of a recipe: those of its folder, or drawn ones.

    Raises:
        DatasetError: the folder does not exist or holds no image.
    """
    return ProceduralTextures(seed) if recipe.textures is None else FolderTextures(recipe.textures)


def make_style(recipe: DefectsRecipe, textures: TextureSource, frames: Sequence[Frame]) -> DefectStyle:
    """Return the style of a recipe.

    Args:
        frames: Good frames of the same part, from which some styles take patches. They have to come from the
            same part of the split as the frames that get the defects.

    `joint` is the mixture of all its styles in equal shares: what every candidate is measured on.

    Raises:
        RecipeError: shares of a mixture that are no shares.
    """
    if recipe.style == "mixed":
        shares = dict(recipe.shares)
    elif recipe.style == "joint":
        shares = dict.fromkeys(recipe.joint_styles, 1.0)
    else:
        return STYLES[recipe.style](recipe, textures, frames)
    styles = [STYLES[name](recipe, textures, frames) for name in shares]
    return MixedDefects(styles, list(shares.values()))
