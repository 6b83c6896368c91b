"""`inspector export`: a finished run becomes a deployable, checked bundle."""

from __future__ import annotations

from pathlib import Path

import typer

from export.finished_run import load_trained
from export.pack import pack
from inspector.bundle import Bundle
from inspector.console import Console
from inspector.errors import InputError

TARGETS = ("onnx",)

app = typer.Typer(
    add_completion=False, help="Turn a finished run into a deployable bundle.", rich_markup_mode=None
)


@app.command()
def export(
    run: Path = typer.Argument(..., help="Run folder of `inspector search`."),
    target: str = typer.Option("onnx", "--target", help=f"What to export for: {', '.join(TARGETS)}."),
    out: Path = typer.Option(
        ..., "--out", help="The bundle: NAME.bundle is one file, anything else a folder."
    ),
    data: Path | None = typer.Option(None, "--data", help="The data set, where it was moved since the run."),
    name: str | None = typer.Option(None, "--name", help="Name of the bundle; by default that of the run."),
    false_reject_budget: float = typer.Option(
        0.005, "--false-reject-budget", help="Largest share of good parts that may be rejected."
    ),
    threads: int | None = typer.Option(None, "--threads", help="Threads of the runtime during export."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Turn a finished run into a deployable bundle.

    The bundle is written only when the exported network has operators that the device runs, is within its
    size budget, and gives the answers of the trained network on real photos.

    Example: inspector export runs/screws --target onnx --out screws.bundle
    """
    if target not in TARGETS:
        raise InputError(f"unknown target {target!r}; the targets are: {', '.join(TARGETS)}")
    console = Console(json_output=json_output)
    trained = load_trained(run, data=data)
    bundle = pack(
        trained, out, console=console, name=name, false_reject_budget=false_reject_budget, threads=threads
    )
    console.say(f"wrote {out}: {bundle.manifest.name} {bundle.manifest.version}")
    console.result(_answer(bundle))


def _answer(bundle: Bundle) -> dict[str, object]:
    manifest = bundle.manifest
    kept = {"name", "version", "parameters", "bytes", "macs", "thresholds", "parity", "metrics"}
    return {
        "bundle": str(bundle.path),
        "digest": bundle.digest,
        **manifest.model_dump(mode="json", include=kept),
    }
