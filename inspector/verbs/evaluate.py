"""`inspector evaluate`: the figures of a bundle on a data set with masks."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import typer

from inspector.bundle import Bundle
from inspector.console import Console
from inspector.dataset import Dataset, Sample, open_dataset
from inspector.evaluation import Evaluation, evaluate
from inspector.evaluation_pictures import ScoreLog
from inspector.output_file import write_file
from inspector.runtime import Runner
from inspector.verbs.waiting import open_waiting

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Measure a bundle on a data set with masks."
)

_ROWS = (
    ("pixel_aupr", "pixel AUPR"),
    ("pixel_aupr_dilated", "pixel AUPR, masks dilated"),
    ("pixel_aupr_eroded", "pixel AUPR, masks eroded"),
    ("pixel_auroc", "pixel AUROC"),
    ("pro", "PRO"),
    ("image_auroc", "image AUROC"),
    ("image_ap", "image average precision"),
    ("false_reject_rate", "good parts that FAIL"),
    ("good_review_rate", "good parts to REVIEW"),
    ("miss_rate", "defective parts that PASS"),
    ("defect_review_rate", "defective parts to REVIEW"),
)


@app.command(name="evaluate")
def evaluate_bundle(
    bundle: Path = typer.Argument(..., help="The bundle: a folder or NAME.bundle."),
    dataset: Path = typer.Argument(..., help="Folder with test images and masks."),
    layout: str = typer.Option("auto", "--layout", help="auto, mvtec, plain or magnetic_tile."),
    out: Optional[Path] = typer.Option(None, "--out", help="Folder for evaluation.json and pictures."),
    original_resolution: bool = typer.Option(
        False, "--original-resolution", help="Compare with the masks as drawn, at the size of the photos."
    ),
    threads: Optional[int] = typer.Option(None, "--threads", help="Threads of the runtime."),
    runtime: str = typer.Option(
        "auto",
        help="auto takes the fastest that is there; or tensorrt, cuda, cpu. tensorrt waits for its engine.",
    ),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Measure a bundle on a data set with masks.

    Example: inspector evaluate screws.bundle data/screws --out evaluation
    """
    console = Console(json_output=json_output)
    runner = open_waiting(Bundle.open(bundle), console=console, threads=threads, runtime=runtime)
    found = open_dataset(dataset, layout=layout)
    samples, what = _samples(found)
    log = ScoreLog(runner, samples)
    with console.progress(len(samples), "evaluate") as advance:

        def on_sample() -> None:
            log.on_sample()
            advance()

        evaluation = evaluate(
            log.predict,
            samples,
            size_hw=runner.bundle.manifest.input_hw,
            thresholds=runner.bundle.thresholds,
            original_resolution=original_resolution,
            on_sample=on_sample,
        )
    answer = _answer(runner, found, evaluation, original_resolution=original_resolution)
    for line in _table(runner, evaluation, what=what):
        console.say(line)
    if out is not None:
        log.write_pictures(out)
        write_file(out / "evaluation.json", (json.dumps(answer, indent=2, allow_nan=False) + "\n").encode())
        console.say(f"wrote evaluation.json and pictures to {out}")
    console.result(answer)


def _samples(dataset: Dataset) -> Tuple[Tuple[Sample, ...], str]:
    """Return the test part; of a folder without one its good images, which show false rejects only."""
    if dataset.test:
        return dataset.test, "test"
    return dataset.train, "good (no test part is there; the network may have been trained on them)"


def _answer(
    runner: Runner, dataset: Dataset, evaluation: Evaluation, *, original_resolution: bool
) -> Dict[str, Any]:
    manifest = runner.bundle.manifest
    return {
        "bundle": manifest.name,
        "version": manifest.version,
        "digest": runner.bundle.digest,
        "runtime": runner.name,
        "dataset": str(dataset.root),
        "layout": dataset.layout,
        "original_resolution": original_resolution,
        **evaluation.as_dict(),
    }


def _table(runner: Runner, evaluation: Evaluation, *, what: str) -> List[str]:
    manifest, figures = runner.bundle.manifest, evaluation.as_dict()
    lines = [
        f"bundle     {manifest.name} {manifest.version} on {runner.name}",
        f"images     {evaluation.num_good} good, {evaluation.num_defect} defective; {what}",
        f"latency    {evaluation.latency_ms_median:.1f} ms (median)",
        "",
    ]
    lines += [f"{label:<28} {_number(figures[key]):>8}" for key, label in _ROWS]
    if evaluation.per_defect:
        lines += ["", f"{'defect':<20} {'AUPR':>8} {'AUROC':>8} {'PRO':>8} {'image':>8}"]
    keys = ("pixel_aupr", "pixel_auroc", "pro", "image_auroc")
    lines += [
        f"{kind:<20} " + " ".join(f"{_number(row[key]):>8}" for key in keys)
        for kind, row in sorted(evaluation.per_defect.items())
    ]
    return lines


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.4f}"
