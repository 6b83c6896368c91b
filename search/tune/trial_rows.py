"""The trials of a tuning in words: where constraints were evaluated, and why each trial ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.ace.outcome import TrialOutcome, TuningOutcome, is_feasible

NAMES = {
    "learning_rate": "Learning rate",
    "batch_size": "Batch size",
    "weight_decay": "Weight decay",
    "focal_gamma": "Focal gamma",
    "focal_alpha": "Focal alpha",
    "ssim": "Weight of the SSIM loss",
    "blend_max": "Generator's beta, at most",
    "rotate_probability": "Share of rotated photos",
    "camera_probability": "Share seen through a perturbation",
    "ema_decay": "Decay of the moving average",
    "width": "Width",
    "robustness": "Failure rate under perturbations",
    "false_rejects": "Good validation images rejected",
    "latency": "Latency, predicted, ms",
    "size": "Size, MB",
    "exposure": "Exposure",
    "white_balance": "White balance",
    "defocus": "Defocus",
    "motion_blur": "Motion blur",
    "sensor_noise": "Sensor noise",
    "jpeg": "JPEG",
    "shift": "Shift",
    "rotation": "Rotation",
    "shading": "Shading",
}


@dataclass(frozen=True)
class Checked:
    """One evaluation of the constraints: of which iteration, by name, and whether all were met."""

    iteration: int
    values: Mapping[str, float | None]
    feasible: bool


@dataclass(frozen=True)
class TrialRow:
    """One trial as the report lists it; `number` counts from 1 in the order of starting."""

    number: int
    trial: str
    iterations: int
    best: float | None
    checks: tuple[Checked, ...]
    beta: int
    cost_ratio: float | None
    ending: str
    config: Mapping[str, Any]


def trial_rows(outcome: TuningOutcome) -> list[TrialRow]:
    """Return one row a trial."""
    return [
        TrialRow(
            number=number,
            trial=trial.trial,
            iterations=trial.iterations,
            best=trial.best,
            checks=checks_of(trial, outcome),
            beta=trial.beta,
            cost_ratio=trial.cost_ratio,
            ending=ending_of(trial),
            config=trial.config,
        )
        for number, trial in enumerate(outcome.trials, start=1)
    ]


def checks_of(trial: TrialOutcome, outcome: TuningOutcome) -> tuple[Checked, ...]:
    """Return every evaluation of a trial's constraints, in order."""
    constraints = outcome.options.constraints
    return tuple(
        Checked(line.candidate_iteration, line.g, is_feasible(line.g, constraints))
        for line in trial.lines
        if line.candidate is not None
    )


def ending_of(trial: TrialOutcome) -> str:
    """Say why a trial is no longer running, or that it is."""
    if trial.error:
        return f"crashed: {trial.error}"
    diverged = [line.iteration for line in trial.lines if line.objective is None]
    note = f"; its objective was not a number from iteration {diverged[0]} on" if diverged else ""
    if trial.stopped:
        return f"stopped at iteration {trial.iterations}: {trial.stopped}{note}"
    if any(line.done for line in trial.lines):
        return f"ended at iteration {trial.iterations}{note}"
    return f"not ended: it was running when this page was written{note}"


def value_text(value: object) -> str:
    """Return a hyperparameter or constraint value for people."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return "–" if value is None else str(value)
