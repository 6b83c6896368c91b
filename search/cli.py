"""`inspector search`: the best network under the limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

# Waiting threads sleep instead of spinning: with any other work on the cores, spinning made a training step
# 9 times slower on a 2-core machine. It has to be set before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_FIGURES = (
    ("pixel_aupr", "pixel AUPR"),
    ("pixel_auroc", "pixel AUROC"),
    ("pro", "PRO"),
    ("image_auroc", "image AUROC"),
)

search_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@search_app.command()
def search(
    recipe: Path = typer.Argument(..., help="The recipe, a YAML file; configs/ has examples."),
    run: Path = typer.Option(
        ..., "--run", help="Folder of the run; the same command continues a killed run."
    ),
    data: Path | None = typer.Option(None, "--data", help="Folder of photos, instead of the recipe's."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed, instead of the recipe's."),
    ray_address: str | None = typer.Option(
        None, "--ray-address", help="A running Ray cluster, host:port, whose devices evaluate candidates."
    ),
    pick: int | None = typer.Option(
        None, "--pick", min=1, help="Train this point of the finished run's archive, in RUN-pick-N."
    ),
    method: str = typer.Option("", "--method", help="autodd or nasb, instead of the recipe's."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Search the best network under hard limits, train it, measure it on real defects, write a report.

    Example: inspector search configs/magnetic_tile_quick.yaml --run runs/tile
    """
    from inspector.console import Console
    from search.autodd.pick import pick_folder, run_pick
    from search.autodd.run import run_search
    from search.recipe import load_recipe

    overrides: dict[str, Any] = {}
    if data is not None:
        overrides["data"] = {"root": str(data.resolve())}
    if seed is not None:
        overrides["seed"] = seed
    if method:
        overrides["method"] = method
    if ray_address is not None:
        overrides["compute"] = {"ray_address": ray_address}
    console = Console(json_output=json_output)
    parsed = load_recipe(recipe, overrides=overrides)
    if pick is None:
        result = run_search(parsed, run, console=console)
    else:
        result = run_pick(parsed, run, pick, console=console)
        run = pick_folder(run, pick)
    console.say(summary(result, run))
    console.result({**result, "report": str(run / "report.html")})


def summary(result: dict[str, Any], run: Path) -> str:
    """Say in a few lines what a run found."""
    lines = [
        f"network     {result['genes']['digits'] or result['network']['family']}",
        f"cost        {result['params'] / 1e6:.2f} M parameters, {result['size_mb']:.1f} MB, "
        + f"{result['macs_g']:.2f} GMAC{_predicted(result)}",
    ]
    metrics = result["metrics"]
    figures = [f"{name} {metrics[key]:.3f}" for key, name in _FIGURES if metrics.get(key) is not None]
    if figures:
        lines.append(f"real images {', '.join(figures)}")
    lines.append(f"time        {sum(result['seconds'].values()):.0f} s")
    if len(result.get("pareto", [])) > 1:
        lines.append(f"archive     {len(result['pareto'])} networks to choose from: report, --pick N")
    lines.append(f"report      {run / 'report.html'}")
    return "\n".join(lines)


def _predicted(result: dict[str, Any]) -> str:
    if result.get("latency_ms") is None:
        return ""
    return f", {result['latency_ms']:.1f} ms predicted on {result['device']['name']}"
