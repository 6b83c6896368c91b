"""Runs one tuning on Ray Tune: the one place that builds a Tuner.

Source: [D] Sec. 4.3.2; facts, section A (settings, resume), section B (reused actors).
Differs from the source: the budget also ends running trials, each with a judgement of its best checkpoint
where its policy has one, so that no policy loses what it has trained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from inspector.errors import TrainingError
from inspector.output_file import write_file
from search.ace.afterwards import check_afterwards
from search.ace.budget import MAX_CRASHES, Budget, BudgetedSearch
from search.ace.cluster import open_ray, warm_up
from search.ace.measured import Line, MeasuredCallback, read_lines
from search.ace.outcome import TuningOutcome, outcome_of
from search.ace.policies import Policy
from search.ace.trainable import ConstrainedTrainable

EXPERIMENT = "trials"


@dataclass(frozen=True)
class TuningFolder:
    """Where a tuning lies: `measured.jsonl`, `finished.json` at its end, and Ray's own `trials/`."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "measured.jsonl"

    @property
    def finished(self) -> Path:
        return self.path / "finished.json"

    @property
    def trials(self) -> Path:
        return self.path / EXPERIMENT


def run_tuning(
    trainable: type[ConstrainedTrainable],
    policy: Policy,
    searcher: Searcher,
    *,
    budget_s: float,
    folder: Path,
    slots: int = 2,
    max_trials: int | None = None,
    resources: Mapping[str, float] | None = None,
    ray_address: str | None = None,
    checkpoint_every: int = 0,
    grace_s: float = 300.0,
    data: Mapping[str, Any] | None = None,
    seen: Callable[[Line], None] | None = None,
) -> TuningOutcome:
    """Tune until the budget is spent and return what was found; the same call goes on after a kill.

    Args:
        slots: Trials at a time.
        max_trials: Ends the tuning earlier.
        resources: Of one trial; one CPU where none are given.
        ray_address: Of a cluster; None: this machine, unless Ray runs in this process already.
        checkpoint_every: Iterations; 0: a trial that is killed begins again, and what it reported is kept.
        grace_s: How long after the budget a last iteration may take before Ray ends it.
        data: Goes to the trainable's `prepare`.
        seen: Called with every line that is measured.

    Raises:
        TrainingError: all trials crashed, or none finished an iteration, or Ray ended with an error. What was
            measured is kept.
        KeyboardInterrupt: the user interrupted.
    """
    where = TuningFolder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if where.finished.exists():
        return outcome_of(read_lines(where.log), policy.options)
    budget = Budget(where.log, budget_s)
    with open_ray(slots=slots, address=ray_address):
        warm_up(slots, trainable)
        made = policy.trainable(trainable, deadline_s=budget.deadline_s, **(data or {}))
        ready = tune.with_resources(made, dict(resources or {"cpu": 1.0}))
        search = BudgetedSearch(searcher, budget, max_trials=max_trials)
        tuner = _restored(where, ready) or _new(
            where, ready, policy, search, budget, seen, slots, checkpoint_every, grace_s
        )
        checkpoints = _fit(tuner, where)
        outcome = _checked(outcome_of(read_lines(where.log), policy.options), budget, max_trials)
        if policy.checks_afterwards:
            outcome = check_afterwards(made, outcome, checkpoints, budget=budget)
    write_file(where.finished, json.dumps({"seconds": outcome.seconds}).encode())
    return outcome


def _new(
    where: TuningFolder,
    ready: Any,
    policy: Policy,
    search: Searcher,
    budget: Budget,
    seen: Callable[[Line], None] | None,
    slots: int,
    checkpoint_every: int,
    grace_s: float,
) -> tune.Tuner:
    measured = MeasuredCallback(where.log, policy.options, budget.spent_s, seen)
    return tune.Tuner(
        ready,
        tune_config=tune.TuneConfig(
            search_alg=search,
            scheduler=policy.scheduler,
            num_samples=-1,
            max_concurrent_trials=slots,
            time_budget_s=budget.budget_s + grace_s,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name=where.trials.name,
            storage_path=str(where.path.resolve()),
            callbacks=[*policy.callbacks, measured],
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(
                num_to_keep=1, checkpoint_at_end=True, checkpoint_frequency=checkpoint_every
            ),
        ),
    )


def _restored(where: TuningFolder, ready: Any) -> tune.Tuner | None:
    path = str(where.trials.resolve())
    return tune.Tuner.restore(path, trainable=ready) if tune.Tuner.can_restore(path) else None


def _fit(tuner: tune.Tuner, where: TuningFolder) -> dict[str, Path]:
    """Run, and return where each trial was saved."""
    try:
        grid = tuner.fit()
    except Exception as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise TrainingError(
            f"Ray Tune ended with an error: {said[-1]}; what was measured is in {where.log}, "
            "and the same command goes on from there"
        ) from error
    return {
        result.metrics["trial_id"]: Path(result.checkpoint.path)
        for result in (grid[number] for number in range(len(grid)))
        if result.metrics and result.checkpoint
    }


def _checked(outcome: TuningOutcome, budget: Budget, max_trials: int | None) -> TuningOutcome:
    failed = [trial for trial in outcome.trials if trial.error]
    if failed and len(failed) == len(outcome.trials):
        raise TrainingError(
            f"all {len(failed)} trials crashed, and the tuning gave up; the first said: {failed[0].error}"
        )
    complete = max_trials is not None and len(outcome.trials) >= max_trials
    if not budget.is_spent() and not complete:
        raise KeyboardInterrupt
    if not outcome.trials:
        raise TrainingError(
            f"no trial finished an iteration within {budget.budget_s:g} s and its grace; "
            "give a larger budget, or let an iteration train less"
        )
    return outcome


__all__ = ["MAX_CRASHES", "TuningFolder", "run_tuning"]
