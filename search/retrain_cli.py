"""`inspector retrain`: a network that was found, trained for another part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import typer

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in search/cli.py; before torch is loaded

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def retrain(
    source: Path = typer.Argument(..., metavar="RUN", help="Folder of a finished run, whose network it is."),
    data: Path = typer.Option(..., "--data", help="Folder of photos of the other part."),
    run: Path = typer.Option(
        ..., "--run", help="Folder of the new run; the same command continues a killed one."
    ),
    layout: str = typer.Option("auto", "--layout", help="Layout of the photos: auto, mvtec, plain, ..."),
    seed: int | None = typer.Option(None, "--seed", min=0, help="Seed, instead of the run's."),
    compare: Path | None = typer.Option(
        None, "--compare", help="Folder of a run that searched on the same photos, for a table."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Train the network of a finished run for another part, without searching again.

    Example: inspector retrain runs/tile --data photos/hazelnut --run runs/hazelnut
    """
    from inspector.console import Console
    from search.autodd.retrain import Photos, comparison_of, run_retrain
    from search.cli import summary

    console = Console(json_output=json_output)
    result = run_retrain(source, Photos(data, layout, seed), run, console=console)
    comparison = comparison_of(result, source, run, own=compare)
    console.say(summary(result, run))
    console.say(_words(comparison, source))
    console.result({**result, "comparison": comparison, "report": str(run / "report.html")})


def _words(comparison: dict[str, Any], source: Path) -> str:
    """Say how the network compares with a search of its own, as far as it is known."""
    from search.autodd.comparison import Row, table

    if "rows" in comparison:
        return table([Row(**row) for row in comparison["rows"]])
    if comparison["saved_s"] is None:
        return f"searched    not again; {source} was no search, so what one costs is not known"
    return (
        f"searched    not again: about {comparison['saved_s']:.0f} s saved, from what it took in {source}; "
        "whether a search of its own finds better is not known (--compare RUN)"
    )
