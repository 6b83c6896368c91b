"""Measures the label clean-up: wrong classes on NEU, defects hidden among good magnetic tiles; resumable."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import torch

from benchmarks.label_cleanup.classes import load_photos, measure_classes
from benchmarks.label_cleanup.hidden import METHODS, measure_hidden
from benchmarks.label_cleanup.rows import Figures, mean_of, measured
from benchmarks.report import print_result, say
from search.labels.class_check import ClassCheckSettings
from search.labels.good_check import GoodCheckSettings
from search.labels.kept import Kept

TARGET_PRECISION, TARGET_RECALL, TARGET_LOSS = 0.95, 0.85, 0.01
ETAS, RATES = (0.2, 0.1, 0.4), (0.10, 0.05)  # the target's first


def main() -> None:
    args = _arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    tell = partial(say, json_output=args.json)
    rows = measured(args.run, _todo(args), say=tell)
    at_target = [row for row in rows.values() if row.get("eta") == ETAS[0]]
    precision, recall = mean_of(at_target, "rll_precision"), mean_of(at_target, "rll_recall")
    lost = mean_of(at_target, "rll_accuracy_clean") - mean_of(at_target, "rll_accuracy_cleaned")
    print_result(
        name="label_cleanup",
        value=precision,
        unit="precision of the proposals at 20 % noise, mean of the seeds",
        target=TARGET_PRECISION,
        holds=precision >= TARGET_PRECISION and recall >= TARGET_RECALL and lost <= TARGET_LOSS,
        recall=recall,
        accuracy_lost_after_cleaning=lost,
        rows=rows,
    )


def _todo(args: argparse.Namespace) -> dict[str, Callable[[], Figures]]:
    """Name every row: those of the targets come first."""
    photos = load_photos(args.data / "neu_cls_200", Kept(args.run))
    classes, good = ClassCheckSettings(), GoodCheckSettings()
    seeds = range(args.seeds)
    todo: dict[str, Callable[[], Figures]] = {}
    for seed in seeds:
        for method in METHODS:
            todo |= {
                f"hidden-{round(100 * rate)}-{method}-{seed}": partial(
                    measure_hidden,
                    args.data / "magnetic_tile",
                    rate=rate,
                    seed=seed,
                    method=method,
                    settings=good,
                )
                for rate in RATES
            }
    first = {
        f"classes-{round(100 * eta)}-{seed}": partial(
            measure_classes, photos, eta=eta, seed=seed, settings=classes
        )
        for eta in ETAS
        for seed in seeds
    }
    return {**first, **todo}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_cleanup", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--run", type=Path, required=True, help="folder in which finished rows are kept")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the noise")
    default = os.environ.get("INSPECTOR_DATA")
    parser.add_argument("--data", type=Path, default=default, help="real data; INSPECTOR_DATA by default")
    args = parser.parse_args()
    if args.data is None:
        sys.exit("error: the benchmark needs real data: give --data or set INSPECTOR_DATA")
    return args


if __name__ == "__main__":
    main()
