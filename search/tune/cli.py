"""`inspector tune`: a found network retrained with hyperparameters chosen under constraints."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in search/cli.py

tune_app = typer.Typer(add_completion=False, rich_markup_mode=None)


@tune_app.command()
def tune(
    recipe: Path = typer.Argument(..., help="The recipe, a YAML file with a section `tune`."),
    run: Path | None = typer.Option(
        None, "--run", help="Folder of the run; the same command continues a killed run."
    ),
    data: Path | None = typer.Option(None, "--data", help="Folder of photos, instead of the recipe's."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed, instead of the recipe's."),
    sheet: Path | None = typer.Option(
        None, "--sheet", help="Only draw the perturbations of the recipe on a good photo, to this PNG file."
    ),
    ray_address: str | None = typer.Option(
        None, "--ray-address", help="A Ray cluster; the run folder must be on storage that its nodes share."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Retrain a found network with hyperparameters tuned by ACE under constraints, and write a report.

    Example: inspector tune configs/magnetic_tile_tune.yaml --run runs/tile-tuned
    """
    from inspector.console import Console
    from inspector.errors import InputError
    from search.tune.found import load_tune_recipe
    from search.tune.run import run_tune

    overrides: dict[str, Any] = {}
    if data is not None:
        overrides["data"] = {"root": str(data.resolve())}
    if seed is not None:
        overrides["seed"] = seed
    console = Console(json_output=json_output)
    loaded = load_tune_recipe(recipe, overrides=overrides)
    if sheet is not None:
        from search.tune.sheet import write_sheet

        console.say(f"perturbations  {write_sheet(loaded, sheet)}")
        console.result({"sheet": str(sheet)})
        return
    if run is None:
        raise InputError("say where the run is to lie: --run DIR")
    result = run_tune(loaded, run, console=console, ray_address=ray_address)
    console.say(summary(result, run))
    console.result({**result, "report": str(run / "report.html")})


def summary(result: dict[str, Any], run: Path) -> str:
    """Say in a few lines what a tuning found."""
    tuned, metrics = result["tune"], result["metrics"]
    kept = ", ".join(
        f"{name} {value:.3g} (at most {tuned['thresholds'][name]:g})"
        for name, value in tuned["constraints"].items()
    )
    chosen = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in sorted(tuned["config"].items())
    )
    lines = [
        f"tuned       synthetic pixel AUPR {tuned['objective']:.3f}, trial {tuned['trial']}, "
        f"iteration {tuned['iteration']}, of {tuned['num_trials']} trials",
        f"constraints {kept}",
        f"chosen      {chosen}",
    ]
    if metrics.get("pixel_aupr") is not None:
        lines.append(
            f"real images pixel AUPR {metrics['pixel_aupr']:.3f}, pixel AUROC {metrics['pixel_auroc']:.3f}"
        )
    lines.append(f"time        {sum(result['seconds'].values()):.0f} s")
    lines.append(f"report      {run / 'report.html'}")
    return "\n".join(lines)
