"""What a tuning came to, from what was measured alone.

Source: [D] Sec. 4.3.2: the best feasible score, and the time at which it was found.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.ace.measured import Line
from search.ace.options import AceOptions, Constraint
from search.ace.violation import violations


@dataclass(frozen=True)
class Found:
    """A checkpoint whose constraints were evaluated."""

    seconds: float
    trial: str
    iteration: int
    objective: float
    g: Mapping[str, float | None]


@dataclass(frozen=True)
class TrialOutcome:
    """One trial.

    Attributes:
        best: Best objective of any checkpoint, None where none was a number.
        best_feasible: Best checkpoint that was evaluated and met the constraints.
        beta: Interval at its last report.
        error: Why it crashed.
    """

    trial: str
    config: Mapping[str, Any]
    iterations: int
    best: float | None
    best_feasible: Found | None
    num_evaluations: int
    beta: int
    cost_ratio: float | None
    stopped: str
    error: str
    lines: Sequence[Line] = field(repr=False, default=())


@dataclass(frozen=True)
class TuningOutcome:
    """All trials in the order of their first report.

    Attributes:
        history: Each new best feasible checkpoint, as it was found.
        closest: Where nothing is feasible, the evaluated checkpoint that misses the constraints by least.
        seconds: Until the last report, or the last evaluation after the tuning.
    """

    options: AceOptions
    trials: tuple[TrialOutcome, ...]
    history: tuple[Found, ...]
    closest: Found | None
    seconds: float

    @property
    def best_feasible(self) -> Found | None:
        return self.history[-1] if self.history else None

    @property
    def num_failed(self) -> int:
        return sum(bool(trial.error) for trial in self.trials)

    @property
    def num_evaluations(self) -> int:
        return sum(trial.num_evaluations for trial in self.trials)

    def config_of(self, trial: str) -> Mapping[str, Any]:
        """Return the configuration of one of the trials."""
        return next(item.config for item in self.trials if item.trial == trial)

    def seconds_to(self, objective: float) -> float | None:
        """Return when a feasible checkpoint as good as `objective` was there; None: never."""
        loss = self.options.loss(objective)
        found = (item for item in self.history if self.options.loss(item.objective) <= loss)
        first = next(found, None)
        return None if first is None else first.seconds

    def share_of_beta_1(self) -> float | None:
        """Return the share of trials that ended with beta = 1; None without trials that reported."""
        betas = [trial.beta for trial in self.trials if trial.beta]
        return sum(beta == 1 for beta in betas) / len(betas) if betas else None

    def median_cost_ratio(self) -> float | None:
        """Return the median r of the trials that know one."""
        ratios = [trial.cost_ratio for trial in self.trials if trial.cost_ratio is not None]
        return statistics.median(ratios) if ratios else None

    def sentence(self) -> str:
        """Say what was found, or that nothing met the constraints and what came closest."""
        limits = ", ".join(f"{c.name} <= {c.threshold:g}" for c in self.options.constraints)
        best = self.best_feasible
        if best is not None:
            return (
                f"best {self.options.metric} with {limits}: {best.objective:.6g}, trial {best.trial} at "
                f"iteration {best.iteration}, after {best.seconds:.0f} s; {len(self.trials)} trials"
            )
        failed = f", {self.num_failed} of them crashed" if self.num_failed else ""
        trials = f"{len(self.trials)} trials in {self.seconds:.0f} s{failed}"
        if self.closest is None:
            return f"no constraint was evaluated ({trials}); give a larger budget"
        values = ", ".join(f"{name} = {value}" for name, value in self.closest.g.items())
        return (
            f"nothing met {limits} ({trials}). The closest was trial {self.closest.trial} at iteration "
            f"{self.closest.iteration}: {values}, {self.options.metric} = {self.closest.objective:.6g}; "
            "raise the limit, widen the search space or give a larger budget"
        )


def outcome_of(lines: Sequence[Line], options: AceOptions) -> TuningOutcome:
    """Return what all lines of a log come to."""
    by_trial: dict[str, list[Line]] = {}
    for line in lines:
        by_trial.setdefault(line.trial, []).append(line)
    found = [item for line in sorted(lines, key=lambda line: line.seconds) if (item := _found(line))]
    return TuningOutcome(
        options=options,
        trials=tuple(_trial(name, course, options) for name, course in by_trial.items()),
        history=_improvements([item for item in found if is_feasible(item.g, options.constraints)], options),
        closest=_closest(found, options),
        seconds=max((line.seconds for line in lines), default=0.0),
    )


def is_feasible(g: Mapping[str, float | None], constraints: Sequence[Constraint]) -> bool:
    """Return whether every constraint is known and met."""
    values = [(g.get(constraint.name), constraint.threshold) for constraint in constraints]
    return all(value is not None and value <= threshold for value, threshold in values)


def _found(line: Line) -> Found | None:
    if line.candidate is None:
        return None
    return Found(line.seconds, line.trial, line.candidate_iteration, line.candidate, line.g)


def _improvements(found: Sequence[Found], options: AceOptions) -> tuple[Found, ...]:
    history: list[Found] = []
    for item in found:
        if not history or options.loss(item.objective) < options.loss(history[-1].objective):
            history.append(item)
    return tuple(history)


def _closest(found: Sequence[Found], options: AceOptions) -> Found | None:
    def distance(item: Found) -> tuple[float, float]:
        g = [_or_nan(item.g.get(name)) for name in names]
        return max(violations(g, options.thresholds), default=0.0), options.loss(item.objective)

    names = [constraint.name for constraint in options.constraints]
    return min(found, key=distance, default=None)


def _trial(name: str, lines: Sequence[Line], options: AceOptions) -> TrialOutcome:
    objectives = [line.objective for line in lines if line.objective is not None]
    found = [item for line in lines if (item := _found(line))]
    feasible = [item for item in found if is_feasible(item.g, options.constraints)]
    last = max(lines, key=lambda line: line.iteration)
    ratios = [line.cost_ratio for line in lines if line.cost_ratio is not None]
    return TrialOutcome(
        trial=name,
        config=next((line.config for line in lines if line.config is not None), {}),
        iterations=last.iteration,
        best=min(objectives, key=options.loss, default=None),
        best_feasible=min(feasible, key=lambda item: options.loss(item.objective), default=None),
        num_evaluations=len(found),
        beta=last.beta,
        cost_ratio=ratios[-1] if ratios else None,
        stopped=next((line.stopped for line in lines if line.stopped), ""),
        error=next((line.error for line in lines if line.error), ""),
        lines=tuple(lines),
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
