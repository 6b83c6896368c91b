"""What proves a network in the precision of its target: thresholds, parity, figures, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from export.calibration import Calibration, calibrate
from export.deployed import Deployed
from export.evidence import Evidence, Score, enough_good, gather
from export.exported import Exported, score_with
from export.int8 import export_recipe
from export.parity import ANY_DIFFERENCE, check_parity, check_verdicts, compare, summary
from export.precision_cost import check_cost
from export.tolerance import largest_difference, literal, tolerance_of
from export.trained import Trained
from export.trial import trial_of
from inspector.console import Console
from inspector.evaluation import evaluate
from inspector.manifest import FP32_TOLERANCE, ParityRecord, PrecisionRecord
from inspector.postprocess import Thresholds
from inspector.preprocess import frame_to_image


@dataclass(frozen=True)
class Proof:
    """What was found out about a deployed network; every gate is passed. `cost` is None at FP32."""

    calibration: Calibration
    evidence: Evidence
    parity: ParityRecord
    metrics: dict[str, Any]
    tolerance: dict[str, float]
    cost: PrecisionRecord | None = None


def prove(
    trained: Trained,
    full: Exported,
    deployed: Deployed,
    *,
    false_reject_budget: float,
    console: Console,
) -> Proof:
    """Take `deployed` through every gate; `full` is the same network at FP32.

    Raises:
        ParityError: it gives other answers than the trained network.
        PrecisionError: the precision costs more AUPR than the recipe allows.
        InputError: the budget is out of range.
    """
    is_reduced = deployed.plan.precision != "fp32"
    calibration = calibrate(
        trained.calibration,
        deployed.answers,
        size_hw=trained.size_hw,
        false_reject_budget=false_reject_budget,
        console=console,
        full_precision=full.score if is_reduced else None,
    )
    thresholds = calibration.choice.thresholds
    evidence = _gather(trained, deployed.answers, thresholds)
    parity = _prove_parity(trained, full, deployed, evidence, thresholds, console=console)
    metrics = figures(trained, deployed.answers, thresholds, console=console)
    cost = None
    if is_reduced:
        cost = _cost(trained, full, deployed, metrics, thresholds=thresholds)
        console.say(f"cost        {check_cost(cost, precision=deployed.plan.precision)}")
    return Proof(calibration, evidence, parity, metrics, _tolerance(trained, full, deployed, evidence), cost)


def figures(trained: Trained, score: Score, thresholds: Thresholds, *, console: Console) -> dict[str, Any]:
    """Return the figures on the test part; nothing where there is none."""
    test = trained.dataset.test
    if not test:
        console.say("evaluation  skipped: the data set has no test photos")
        return {}
    with console.progress(len(test), "evaluate") as advance:
        evaluation = evaluate(score, test, size_hw=trained.size_hw, thresholds=thresholds, on_sample=advance)
    found = evaluation.as_dict()
    shown = ("pixel_aupr", "pixel_auroc", "image_auroc", "false_reject_rate", "miss_rate")
    line = ", ".join(f"{key} {found[key]:.4f}" for key in shown if found[key] is not None)
    console.say(f"evaluation  {line}")
    return found


def _gather(trained: Trained, score: Score, thresholds: Thresholds) -> Evidence:
    dataset = trained.dataset
    return gather(
        enough_good(trained.calibration, [*dataset.test_good, *dataset.train]),
        dataset.test_defects,
        size_hw=trained.size_hw,
        score=score,
        thresholds=thresholds,
    )


def _prove_parity(
    trained: Trained,
    full: Exported,
    deployed: Deployed,
    evidence: Evidence,
    thresholds: Thresholds,
    *,
    console: Console,
) -> ParityRecord:
    """The FP32 file answers as the trained network does; a reduced precision gives the same verdicts."""
    expected = [_torch_score(trained, frame) for frame in evidence.frames]

    def compared(score: Score, limit: float) -> ParityRecord:
        found = [score(frame) for frame in evidence.frames]
        return compare(expected, found, thresholds=thresholds, num_damaged=evidence.num_damaged, limit=limit)

    record = check_parity(compared(full.score, FP32_TOLERANCE))
    console.say(f"parity      {summary(record)}")
    precision = deployed.plan.precision
    if precision != "fp32":
        record = check_verdicts(compared(deployed.answers, ANY_DIFFERENCE), precision=precision)
        console.say(f"parity      at {precision.upper()}: {summary(record)}")
    return record


def _torch_score(trained: Trained, frame: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        score = trained.detector.score(torch.from_numpy(frame_to_image(frame)))
    return score.float().numpy().reshape(trained.size_hw)


def _cost(
    trained: Trained, full: Exported, deployed: Deployed, metrics: dict[str, Any], *, thresholds: Thresholds
) -> PrecisionRecord:
    """Compare the AUPR with FP32's: on the test part, or on drawn defects where it has no masks."""
    recipe = export_recipe(trained)
    limit = recipe.max_aupr_loss
    after = metrics.get("pixel_aupr")
    if after is not None:
        test = trained.dataset.test
        before = evaluate(full.score, test, size_hw=trained.size_hw, thresholds=thresholds).pixel_aupr
        assert before is not None
        return _record(before, after, limit, measured_on="test", num_images=len(test))
    trial = trial_of(trained, num_images=recipe.trial_images)
    before, after = (trial.aupr(trial.frame_scores(score)) for score in (full.score, deployed.answers))
    return _record(before, after, limit, measured_on="synthetic", num_images=len(trial.images))


def _record(
    before: float, after: float, limit: float, *, measured_on: str, num_images: int
) -> PrecisionRecord:
    return PrecisionRecord(
        aupr_before=before,
        aupr_after=after,
        max_aupr_loss=limit,
        measured_on=measured_on,
        num_images=num_images,
    )


def _tolerance(trained: Trained, full: Exported, deployed: Deployed, evidence: Evidence) -> dict[str, float]:
    plan = deployed.plan
    other: Score | None = None
    if plan.precision == "fp16":
        other = full.score
    elif plan.precision == "int8":
        other = score_with(literal(deployed.network.model), size_hw=trained.size_hw)
    difference = 0.0 if other is None else largest_difference(deployed.answers, other, evidence.frames)
    return tolerance_of(plan.precision, file_precision=plan.file_precision, difference=difference)
