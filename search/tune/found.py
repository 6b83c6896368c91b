"""The network that is tuned, and the recipe around it: from a finished run, or from genes in the recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from inspector.errors import BudgetError, RecipeError, RunError
from search.autodd.fixed import found_recipe
from search.autodd.result import Chosen
from search.autodd.space_choice import open_space
from search.limits.cost import NetworkCost
from search.limits.limits import limited_cost, violations
from search.nets.spec import NetworkSpec, genes_of
from search.recipe import Recipe, merge, parse_recipe, read_recipe
from search.run_folder import RunResult, load_result
from search.tune.recipe import TuneRecipe


def load_tune_recipe(path: Path, *, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe with a section `tune`; what it leaves open is taken from the run that it names.

    Raises:
        RecipeError: as `load_recipe`, or there is no section `tune`, or no network.
        RunError: the run that it names is not finished.
    """
    record = merge(read_recipe(path), overrides or {})
    section = record.get("tune")
    if not isinstance(section, dict):
        raise RecipeError(
            f"recipe {path} has no section `tune`; add one, such as "
            "`tune: {run: runs/part, trials: 20, constraints: {false_rejects: {max_rate: 0.05}}}`"
        )
    if section.get("run") is not None:
        record = merge(_recipe_of(_finished(Path(section["run"]))), record)
    return parse_recipe(record, source=str(path))


def settings_of(recipe: Recipe) -> TuneRecipe:
    """Return the section `tune`, checked against the rest of the recipe.

    Raises:
        RecipeError: there is none, or a latency is asked for without a device.
    """
    if recipe.tune is None:
        raise RecipeError("the recipe has no section `tune`; add one")
    if recipe.tune.constraints.latency is not None and recipe.limits.device is None:
        raise RecipeError(
            "tune.constraints.latency needs limits.device: a profile's name or file, such as jetson-nano"
        )
    return recipe.tune


def found_network(recipe: Recipe, settings: TuneRecipe) -> Chosen:
    """Return the network that is tuned: the recipe names it, or has taken it from a run.

    Raises:
        RecipeError: the recipe names neither a run nor genes, or widths for a family that has none to choose.
    """
    chosen = _named(recipe)
    if settings.space.width is not None and chosen.space != "unet":
        raise RecipeError(
            f"tune.space.width is for networks of the space unet, not {chosen.space or chosen.spec.family}; "
            "leave it out"
        )
    return chosen


def specs_of(spec: NetworkSpec, settings: TuneRecipe) -> list[NetworkSpec]:
    """Return every network that a trial may train: they differ in width alone."""
    widths = settings.space.width
    return [spec] if widths is None else [replace(spec, width=width) for width in sorted(set(widths))]


def check_sizes(recipe: Recipe, settings: TuneRecipe, specs: list[NetworkSpec]) -> None:
    """Refuse, before anything is trained, what no training can mend.

    Raises:
        BudgetError: a network is over the hard limits, or none meets the constraints on latency and size.
    """
    size_hw = (recipe.data.size, recipe.data.size)
    costs = [limited_cost(spec, size_hw, recipe.limits) for spec in specs]
    for spec, cost in zip(specs, costs, strict=True):
        over = violations(cost, recipe.limits)
        if over:
            raise BudgetError(
                f"the network of width {spec.width} is over the recipe's limits: {'; '.join(over)}; "
                "raise them, or leave this width out of tune.space.width"
            )
    misses = [_misses(cost, settings) for cost in costs]
    if all(misses):
        raise BudgetError(
            f"no network meets the constraints: {misses[0]} with width {specs[0].width}; raise the "
            "constraint, or allow narrower networks in tune.space.width"
        )


def _misses(cost: NetworkCost, settings: TuneRecipe) -> str:
    latency, size = settings.constraints.latency, settings.constraints.size
    found = []
    if latency is not None and cost.latency_ms is not None and cost.latency_ms > latency.max_ms:
        found.append(f"latency {cost.latency_ms:.4g} ms over {latency.max_ms:g} ms")
    if size is not None and cost.size_mb > size.max_mb:
        found.append(f"size {cost.size_mb:.4g} MB over {size.max_mb:g} MB")
    return "; ".join(found)


def _named(recipe: Recipe) -> Chosen:
    network = recipe.network
    if not network.is_fixed:
        raise RecipeError(
            "the recipe names no network to tune: set tune.run to a finished run of `inspector search`, "
            "or network.genes"
        )
    genes, style = genes_of(network.genes or ""), recipe.defects.style
    if network.family == "unet":
        space = open_space(recipe)
        return Chosen(space.name, space.digits(genes), space.spec(genes), style)
    spec = NetworkSpec(network.family, genes, network.width, network.own_reconstructor_width)
    return Chosen(network.family if genes else "", spec.digits, spec, style)


def _finished(run: Path) -> RunResult:
    result = load_result(run)
    if result.state != "finished":
        raise RunError(
            f"the run {run} is {result.state}, not finished; continue it with the same search command"
        )
    return result


def _recipe_of(result: RunResult) -> dict[str, Any]:
    changes = {"data": {"root": result.data["root"]}, "tune": None}
    return found_recipe(result, changes=changes).model_dump(mode="json")
