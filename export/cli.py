"""`inspector export`: a finished run becomes a deployable, checked bundle."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import cast

import typer

from export.finished_run import load_trained
from export.onnx import EXPORTERS, Exporter
from export.pack import pack
from export.targets import TARGETS, plan_for
from inspector.bundle import Bundle
from inspector.console import Console
from inspector.errors import InputError

app = typer.Typer(
    add_completion=False, help="Turn a finished run into a deployable bundle.", rich_markup_mode=None
)


def _defaults() -> list[str]:
    return [f"{target.name} {target.default_precision}" for target in TARGETS.values()]


@app.command()
def export(
    run: Path = typer.Argument(..., help="Run folder of `inspector search`."),
    target: str = typer.Option("onnx", "--target", help=f"What to export for: {', '.join(TARGETS)}."),
    precision: str | None = typer.Option(
        None,
        "--precision",
        help="fp32, fp16 or int8; by default the target's: " + ", ".join(_defaults()) + ".",
    ),
    out: Path = typer.Option(
        ..., "--out", help="The bundle: NAME.bundle is one file, anything else a folder."
    ),
    data: Path | None = typer.Option(None, "--data", help="The data set, where it was moved since the run."),
    name: str | None = typer.Option(None, "--name", help="Name of the bundle; by default that of the run."),
    false_reject_budget: float = typer.Option(
        0.005, "--false-reject-budget", help="Largest share of good parts that may be rejected."
    ),
    threads: int | None = typer.Option(None, "--threads", help="Threads of the runtime during export."),
    exporter: str = typer.Option(
        "torchscript", help=f"PyTorch's exporter: {' or '.join(EXPORTERS)}; both give the same network."
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Turn a finished run into a deployable bundle.

    The bundle is written only when the exported network has operators that the device runs, is within its
    size budget, and gives the answers of the trained network on real photos.

    At FP16 and INT8 it also gives the verdicts of the trained network, and loses no more pixel AUPR than the
    recipe allows (max_aupr_loss).

    Example: inspector export runs/screws --target jetson-nano --out screws.bundle
    """
    plan = plan_for(target, precision=precision)
    if exporter not in EXPORTERS:
        raise InputError(f"--exporter {exporter} is not known; choose {' or '.join(EXPORTERS)}")
    console = Console(json_output=json_output)
    trained = load_trained(run, data=data)
    bundle = pack(
        trained,
        out,
        console=console,
        plan=plan,
        name=name,
        false_reject_budget=false_reject_budget,
        threads=threads,
        exporter=cast("Exporter", exporter),
        created=_reproducible_time(),
    )
    console.say(f"wrote {out}: {bundle.manifest.name} {bundle.manifest.version}")
    console.result(_answer(bundle))


def _reproducible_time() -> datetime | None:
    """Return the time of SOURCE_DATE_EPOCH (reproducible-builds.org), where it is set."""
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    if not text.isdigit():
        raise InputError(f"SOURCE_DATE_EPOCH is {text!r}, but must be a whole number of seconds since 1970")
    return datetime.fromtimestamp(int(text), timezone.utc)


def _answer(bundle: Bundle) -> dict[str, object]:
    manifest = bundle.manifest
    kept = {
        *("name", "version", "target", "precision", "parameters", "bytes", "macs"),
        *("thresholds", "parity", "metrics", "precision_cost", "precision_reason", "quantization"),
    }
    return {
        "bundle": str(bundle.path),
        "digest": bundle.digest,
        **manifest.model_dump(mode="json", include=kept),
    }
