"""Puts finished runs side by side: a table in Markdown, their loss curves, and a sheet of score maps.

The sheet shows score maps with the outline of the true defect, and no photograph: data sets that are not ours
to publish stay out of the project.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np

from benchmarks.report import print_result
from inspector.dataset import Dataset, Sample, open_dataset, read_frame, read_mask
from inspector.errors import InspectorError
from inspector.preprocess import resize_mask
from inspector.render import Tile, contact_sheet, heat_map
from search.autodd.evaluation_stage import TorchScorer
from search.events import EventLog, latest
from search.run_folder import RunFolder, load_network, load_result

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PER_KIND = 6


@dataclass(frozen=True)
class Run:
    name: str
    folder: Path
    result: Mapping[str, Any]


def main() -> None:
    args = _arguments()
    try:
        runs = [_read(text) for text in args.runs]
    except InspectorError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    for line in _table(runs):
        print(line)
    if args.curves is not None:
        _plot_curves(runs, args.curves)
    if args.sheet is not None:
        _write_sheet(runs[0], args.sheet)
    first, others = runs[0], runs[1:]
    best = max((run.result["metrics"]["pixel_aupr"] for run in others), default=0.0)
    value = first.result["metrics"]["pixel_aupr"]
    print_result(
        name="compare_runs",
        value=value,
        unit=f"pixel AUPR of {first.name}",
        target=best,
        holds=value >= best,
        aupr={run.name: run.result["metrics"]["pixel_aupr"] for run in runs},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare_runs", description=__doc__)
    parser.add_argument(
        "runs", nargs="+", metavar="NAME=RUN", help="a name and a finished run; the first is judged"
    )
    parser.add_argument("--curves", type=Path, help="write the loss curves to this PNG")
    parser.add_argument("--sheet", type=Path, help="write score maps of the first run to this PNG")
    return parser.parse_args()


def _read(text: str) -> Run:
    name, _, folder = text.partition("=")
    path = Path(folder)
    load_result(path)
    return Run(name, path, json.loads(RunFolder(path).result.read_text()))


def _table(runs: list[Run]) -> list[str]:
    lines = [
        "| network | steps | min | M param. | GMAC | AUPR | AUROC | PRO | image AUROC | AUPR by defect |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        result, metrics = run.result, run.result["metrics"]
        by_kind = metrics["per_defect"].items()
        defects = ", ".join(f"{kind} {figures['pixel_aupr']:.3f}" for kind, figures in by_kind)
        minutes = result["seconds"]["retraining"] / 60
        shown = [metrics[key] for key in ("pixel_aupr", "pixel_auroc", "pro", "image_auroc")]
        lines.append(
            f"| {run.name} | {result['recipe']['retraining']['steps']} | {minutes:.0f} "
            f"| {result['params'] / 1e6:.2f} | {result['macs_g']:.3f} | "
            + " | ".join(f"{figure:.3f}" for figure in shown)
            + f" | {defects} |"
        )
    return lines


def _plot_curves(runs: list[Run], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5))
    for run, colour in zip(runs, COLOURS, strict=False):
        events = latest(EventLog.read(RunFolder(run.folder).events), "step", ["stage", "step"])
        steps = sorted((e for e in events if e["stage"] == "retraining"), key=lambda e: e["step"])
        for axis, term in zip(axes, ("loss", "focal"), strict=True):
            values = np.array([event[term] for event in steps])
            at = [event["step"] for event in steps]
            window = min(10, len(values))
            smooth = np.convolve(values, np.ones(window) / window, mode="valid")
            axis.plot(at[window - 1 :], smooth, label=run.name, color=colour, linewidth=1)
    axes[0].set(xlabel="step", ylabel="loss", yscale="log", title="Retraining, all terms")
    axes[1].set(xlabel="step", ylabel="focal loss", yscale="log", title="Focal term alone")
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _write_sheet(run: Run, path: Path) -> None:
    size_hw = tuple(run.result["size_hw"])
    data = run.result["data"]
    dataset = open_dataset(Path(data["root"]), layout=data["layout"])
    scorer = TorchScorer(load_network(run.folder), size_hw)
    tiles = [_tile(scorer, sample, size_hw) for sample in _spread(dataset)]
    cv2.imwrite(str(path), contact_sheet(tiles, columns=PER_KIND, cell_px=100))


def _spread(dataset: Dataset) -> list[Sample]:
    chosen: list[Sample] = []
    for kind in sorted({sample.kind for sample in dataset.test}, key=lambda kind: (kind == "good", kind)):
        samples = [sample for sample in dataset.test if sample.kind == kind]
        chosen += samples[:: max(1, len(samples) // PER_KIND)][:PER_KIND]
    return chosen


def _tile(scorer: TorchScorer, sample: Sample, size_hw: tuple[int, int]) -> Tile:
    frame = read_frame(sample.path)
    mask = None
    if sample.mask_path is not None:
        mask = resize_mask(read_mask(sample.mask_path, shape_hw=frame.shape[:2]), size_hw=size_hw)
    score = scorer(frame)
    return Tile(heat_map(score), caption=f"{sample.kind}  max {score.max():.2f}", mask=mask)


if __name__ == "__main__":
    main()
