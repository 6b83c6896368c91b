"""Which space the genes of a recipe belong to."""

from __future__ import annotations

from search.autodd.dual_space import DualSpace
from search.autodd.space import JointSpace, Space, UNetSpace
from search.recipe import Recipe


def open_space(recipe: Recipe) -> Space:
    """Return the search space of a recipe."""
    network, defects = recipe.network, recipe.defects
    if defects.style == "joint":
        return JointSpace(network.width, network.reconstructor_width, len(defects.joint_styles))
    if network.space == "dual":
        return DualSpace(network.width, network.reconstructor_width)
    return UNetSpace(network.width, network.reconstructor_width)
