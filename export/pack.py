"""A trained network becomes a bundle: every gate in turn, then one write.

The thresholds, the golden scores and the figures all come from the exported network in the runtime that will
serve it, not from PyTorch.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from export.calibration import calibrate
from export.card import card_text
from export.evidence import Evidence, Score, enough_good, gather
from export.exported import export_network
from export.parity import check_parity, compare, summary
from export.pictures import golden_frames, preview_png
from export.record import manifest_of, name_of
from export.trained import Trained
from inspector.bundle import Bundle, write_bundle
from inspector.console import Console
from inspector.evaluation import evaluate
from inspector.manifest import ParityRecord
from inspector.postprocess import Thresholds
from inspector.preprocess import frame_to_image
from inspector.runtime import Runner


def pack(
    trained: Trained,
    out: Path,
    *,
    console: Console,
    name: str | None = None,
    false_reject_budget: float = 0.005,
    threads: int | None = None,
    created: datetime | None = None,
) -> Bundle:
    """Export `trained`, prove it and write it to `out`; the bundle that comes back was read from there.

    Args:
        console: Hears of each gate and its figure, and shows progress.
        name: Of the bundle; by default that of the run.
        false_reject_budget: Largest share of good parts that may be rejected.
        threads: Of the runtime during export; None leaves the choice to it.
        created: Time stamp, UTC; by default now.

    Raises:
        RunError, OperatorError, BudgetError, ParityError: a gate is closed; nothing is written.
        InputError: a name or budget out of range.
        StorageError: `out` cannot be written.
    """
    name = name_of(trained, name)
    network = export_network(trained, console=console, threads=threads)
    calibration = calibrate(
        trained.calibration,
        network.score,
        size_hw=trained.size_hw,
        false_reject_budget=false_reject_budget,
        console=console,
    )
    thresholds = calibration.choice.thresholds
    evidence = _gather(trained, network.score, thresholds)
    parity = _prove_parity(trained, network.score, evidence, thresholds)
    console.say(f"parity      {summary(parity)}")
    metrics = _evaluate(trained, network.score, thresholds, console=console)
    manifest = manifest_of(
        trained,
        network,
        name=name,
        created=created,
        choice=calibration.choice,
        parity=parity,
        metrics=metrics,
    )
    write_bundle(
        out,
        manifest=manifest,
        model=network.model,
        golden=golden_frames(evidence, score=network.score),
        reference=calibration.reference,
        card=card_text(manifest, dataset=trained.dataset, num_calibration=len(trained.calibration)),
        preview_png=_preview(trained, network.score, thresholds),
    )
    return _self_tested(out, console=console, threads=threads)


def _gather(trained: Trained, score: Score, thresholds: Thresholds) -> Evidence:
    dataset = trained.dataset
    return gather(
        enough_good(trained.calibration, [*dataset.test_good, *dataset.train]),
        dataset.test_defects,
        size_hw=trained.size_hw,
        score=score,
        thresholds=thresholds,
    )


def _prove_parity(trained: Trained, score: Score, evidence: Evidence, thresholds: Thresholds) -> ParityRecord:
    expected = [_torch_score(trained, frame) for frame in evidence.frames]
    found = [score(frame) for frame in evidence.frames]
    return check_parity(compare(expected, found, thresholds=thresholds, num_damaged=evidence.num_damaged))


def _torch_score(trained: Trained, frame: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        score = trained.detector.score(torch.from_numpy(frame_to_image(frame)))
    return score.float().numpy().reshape(trained.size_hw)


def _evaluate(trained: Trained, score: Score, thresholds: Thresholds, *, console: Console) -> dict[str, Any]:
    """Return the figures on the test part; nothing where there is none."""
    test = trained.dataset.test
    if not test:
        console.say("evaluation  skipped: the data set has no test photos")
        return {}
    with console.progress(len(test), "evaluate") as advance:
        evaluation = evaluate(score, test, size_hw=trained.size_hw, thresholds=thresholds, on_sample=advance)
    figures = evaluation.as_dict()
    shown = ("pixel_aupr", "pixel_auroc", "image_auroc", "false_reject_rate", "miss_rate")
    line = ", ".join(f"{key} {figures[key]:.4f}" for key in shown if figures[key] is not None)
    console.say(f"evaluation  {line}")
    return figures


def _preview(trained: Trained, score: Score, thresholds: Thresholds) -> bytes:
    dataset = trained.dataset
    good = dataset.test_good or trained.calibration
    return preview_png(good, dataset.test_defects, score=score, thresholds=thresholds)


def _self_tested(out: Path, *, console: Console, threads: int | None) -> Bundle:
    bundle = Bundle.open(out)
    worst = Runner.open(bundle, threads=threads).self_test()
    console.say(f"self-test   golden scores differ by {worst:.2g} of {bundle.tolerance['fp32']:.2g}")
    return bundle
