"""`inspector demo`: the whole journey on the built-in part, offline."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import typer

# As in search/cli.py, and like there before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

PART_SEED = 0
NUM_GOOD = 200  # photos to learn from
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    out: Path = typer.Option(Path("demo"), "--out", help="Folder for the photos, the run and the bundle."),
    seed: int = typer.Option(0, "--seed", min=0, help="Seed of the search."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Draw a machined part, search an inspector for it, export it, and find its real defects.

    Runs offline on two CPU cores in a few minutes. A demo that was stopped goes on with the same command.

    Example: inspector demo --out demo
    """
    from inspector.console import Console

    console = Console(json_output=json_output)
    answer = run_demo(out, seed=seed, console=console)
    metrics = answer["metrics"]
    console.say(
        f"\nOn {metrics['num_defect']} parts with real defects and {metrics['num_good']} good ones that no "
        f"training saw: pixel AUPR {answer['pixel_aupr']:.3f}, pixel AUROC {answer['pixel_auroc']:.3f} "
        f"in {answer['seconds']:.0f} s."
    )
    console.say(f"Look at    {answer['report']}")
    console.say(f"Serve it   inspector serve {answer['bundle']}")
    console.result(answer)


def run_demo(out: Path, *, seed: int, console: Any) -> dict[str, Any]:
    """Run the journey in `out` and return its figures, measured with the exported bundle.

    Raises:
        InspectorError: the folder cannot be used, or a gate of the export is closed.
    """
    from export.finished_run import load_trained
    from export.pack import pack
    from inspector.demo_part import write_demo_part
    from search.autodd.run import run_search
    from search.recipe import parse_recipe

    started_s = time.perf_counter()
    console.say("1. draw     the photos of good parts, and a few defective ones for the end")
    part = out / "part"
    if not part.exists():
        write_demo_part(part, seed=PART_SEED, num_train=NUM_GOOD)
    console.say("2. search   the network, trained on good parts with synthetic defects alone")
    recipe = parse_recipe({"preset": "quick", "seed": seed, "data": {"root": str(part.resolve())}})
    run = out / "run"
    result = run_search(recipe, run, console=console)
    console.say("3. export   to ONNX, through every gate")
    bundle = pack(load_trained(run), out / "part.bundle", console=console, name="demo-part")
    metrics = bundle.manifest.metrics
    return {
        "pixel_aupr": metrics["pixel_aupr"],
        "pixel_auroc": metrics["pixel_auroc"],
        "seconds": time.perf_counter() - started_s,
        "genes": result["genes"]["digits"],
        "params": result["params"],
        "macs_g": result["macs_g"],
        "metrics": metrics,
        "part": str(part),
        "bundle": str(bundle.path),
        "report": str(run / "report.html"),
    }
