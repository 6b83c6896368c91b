"""The recipe that trains one network of a search: a point of its archive, or its winner on other photos."""

from __future__ import annotations

from typing import Any

from search.autodd.space_choice import open_space
from search.recipe import Recipe, merge, parse_recipe
from search.run_folder import RunResult


def found_recipe(found: RunResult, *, changes: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe that trains the network of a finished run as that run trained it, without a search.

    Args:
        changes: Sections that win over the run's.
    """
    recipe = parse_recipe(found.recipe)
    if not found.genes:  # a family without genes
        return parse_recipe(merge(recipe.model_dump(mode="json"), changes or {}))
    return with_network(recipe, found.genes, changes=changes)


def with_network(recipe: Recipe, digits: str, *, changes: dict[str, Any] | None = None) -> Recipe:
    """Return the recipe of a training without a search, of the network of `digits`.

    A style gene becomes the style of the defects: the network is trained on what its supernet learnt from.

    Args:
        changes: Sections that win over the recipe's.

    Raises:
        RecipeError: the digits are none of the recipe's space.
    """
    record = recipe.model_dump(mode="json")
    network: dict[str, Any] = {"genes": digits}
    defects: dict[str, Any] = {}
    if recipe.defects.style == "joint":
        space = open_space(recipe)
        genes = space.read(digits)
        network["genes"] = space.digits(space.path(genes))
        defects["style"] = recipe.defects.joint_styles[space.style(genes)]
    fixed = merge(record, {"network": network, "defects": defects})
    return parse_recipe(merge(fixed, changes or {}))
