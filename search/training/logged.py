"""A training with its steps in the event log and its progress on the console."""

from __future__ import annotations

from dataclasses import asdict

from inspector.console import Console
from search.events import EventLog
from search.stages import title_of
from search.training.fit import Fit, FitPlan, StepReport


def run_logged(fit: Fit, plan: FitPlan, *, stage: str, log: EventLog, console: Console) -> float:
    """Bring a training to its end and return the seconds spent, those before a resume included.

    Raises:
        TrainingError: the loss is not a number.
    """
    with console.progress(plan.num_steps, title_of(stage)) as advance:
        advance(fit.first_step)

        def report(step: StepReport) -> None:
            log.write("step", stage=stage, **asdict(step))
            advance(0, note=f"loss {step.loss:.4f}")

        return fit.run(lambda _step: advance(1), report)
