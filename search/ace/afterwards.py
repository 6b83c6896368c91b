"""Evaluates constraints after a tuning, from the best trial down until one meets them.

Source: [D] Sec. 4.3.2: what the baselines without a constraint callback do; the time counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from search.ace.budget import Budget
from search.ace.measured import Line, append_line, number, read_lines
from search.ace.options import AceOptions
from search.ace.outcome import TrialOutcome, TuningOutcome, is_feasible, outcome_of


def check_afterwards(
    trainable: Any, outcome: TuningOutcome, checkpoints: Mapping[str, Path], *, budget: Budget
) -> TuningOutcome:
    """Evaluate the best checkpoint of each trial, best trial first, until one is feasible.

    Args:
        trainable: An EndingTrainable with its parameters.
        checkpoints: Where each trial was saved; a trial without a checkpoint is passed over.
        budget: Its log gets a line for each evaluation.

    Returns the outcome with these evaluations.
    """
    options = outcome.options
    ranked = _ranked(outcome, options)
    checked = {line.trial for line in read_lines(budget.log) if line.afterwards}
    judge: Any = None
    for trial in ranked:
        if outcome.best_feasible is not None:
            break
        if trial.trial in checked or trial.trial not in checkpoints:
            continue
        if judge is None:
            judge = trainable(config=dict(trial.config))
        judge.reset_config(dict(trial.config))
        judge.load_checkpoint(str(checkpoints[trial.trial]))
        line = _line(trial, judge.judge_deferred(), options)
        append_line(budget.log, replace(line, seconds=budget.spent_s()))
        if is_feasible(line.g, options.constraints):
            break
    if judge is not None:
        judge.stop()
    return outcome_of(read_lines(budget.log), options)


def _ranked(outcome: TuningOutcome, options: AceOptions) -> list[TrialOutcome]:
    scored = [trial for trial in outcome.trials if trial.best is not None]
    return sorted(scored, key=lambda trial: options.loss(trial.best if trial.best is not None else 0.0))


def _line(trial: TrialOutcome, evaluation: Any, options: AceOptions) -> Line:
    names = [constraint.name for constraint in options.constraints]
    return Line(
        seconds=0.0,
        trial=trial.trial,
        iteration=trial.iterations,
        objective=options.objective(evaluation.loss),
        candidate=options.objective(evaluation.loss),
        candidate_iteration=evaluation.iteration,
        g={name: number(value) for name, value in zip(names, evaluation.g, strict=True)},
        beta=trial.beta,
        cost_ratio=number(trial.cost_ratio),
        constraint_cost_s=evaluation.cost_s,
        done=True,
        afterwards=True,
    )
