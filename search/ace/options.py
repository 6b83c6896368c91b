"""What an experiment asks of ACE: metric, constraints, and the switches of the ablations, checked once.

Source: [D] Algorithm 3 (inputs), Sec. 4.3.4 to 4.3.6 (the switches).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from inspector.errors import InputError

Mode = Literal["min", "max"]
Interval = Literal["adaptive", "one", "last", "never"]
Spacing = Literal["linear", "geometric"]
Stopping = Literal["stratum", "hard", "none"]

_CHOICES = {
    "mode": ("min", "max"),
    "interval": ("adaptive", "one", "last", "never"),
    "spacing": ("linear", "geometric"),
    "stopping": ("stratum", "hard", "none"),
}


class AceError(InputError, ValueError):
    """An option, a report or saved books that ACE cannot work with."""


@dataclass(frozen=True)
class Constraint:
    """`name` must be at most `threshold`. For "at least", report and limit the negative value."""

    name: str
    threshold: float

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise AceError(
                f"constraint name {self.name!r} must not be empty or contain '/'; choose a plain word"
            )
        if not math.isfinite(self.threshold):
            raise AceError(
                f"the threshold of constraint {self.name!r} is {self.threshold}; it must be a finite number"
            )


@dataclass(frozen=True)
class AceOptions:
    """The inputs of Algorithm 3 and its ablations.

    Args:
        metric: Name of the reported objective.
        mode: Whether the objective is minimised or maximised.
        constraints: All must hold. None: every trial is ranked by its objective alone.
        max_iterations: T, where a trial does not say its own.
        truncation: P, the share of each group that is given up; it is also the stop probability p of
            Theorem 2.
        interval: `adaptive` (Theorem 2), `one` (beta = 1), `last` (beta = T), `never` (no evaluation).
        spacing: `linear`: at beta, 2 beta, ..., trials are judged at every iteration. `geometric`: beta = 1
            means iterations 1, f, f^2, ..., and trials are judged there only.
        reduction_factor: f of geometric spacing.
        skip: Evaluate only checkpoints that could become the best feasible one.
        stopping: `stratum`; `hard`: the first violation stops a trial, the other strata are truncated as
            usual; `none`.

    Raises:
        AceError: a value is out of range.
    """

    metric: str
    mode: Mode
    constraints: tuple[Constraint, ...] = ()
    max_iterations: int = 100
    truncation: float = 0.25
    interval: Interval = "adaptive"
    spacing: Spacing = "linear"
    reduction_factor: int = 4
    skip: bool = True
    stopping: Stopping = "stratum"

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise AceError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(allowed)}")
        if not self.metric:
            raise AceError("metric is empty; name the objective that trials report")
        if self.max_iterations < 1:
            raise AceError(f"max_iterations is {self.max_iterations}; a trial needs at least 1 iteration")
        if not 0.0 < self.truncation < 1.0:
            raise AceError(f"truncation is {self.truncation}; give a share between 0 and 1, such as 0.25")
        if self.reduction_factor < 2:
            raise AceError(f"reduction_factor is {self.reduction_factor}; rungs grow only from 2 on")
        names = [constraint.name for constraint in self.constraints]
        if len(set(names)) < len(names):
            raise AceError(f"constraint names are {', '.join(names)}; each may occur once")

    @property
    def thresholds(self) -> tuple[float, ...]:
        return tuple(constraint.threshold for constraint in self.constraints)

    @property
    def evaluates(self) -> bool:
        """Whether any constraint is ever evaluated."""
        return bool(self.constraints) and self.interval != "never"

    def loss(self, objective: float) -> float:
        """Return the objective as a loss to minimise; infinite where it is not a number."""
        if math.isnan(objective):
            return math.inf
        return objective if self.mode == "min" else -objective

    def objective(self, loss: float) -> float:
        """Return a finite loss in the user's direction."""
        return loss if self.mode == "min" else -loss


def constraints_of(thresholds: Mapping[str, float]) -> tuple[Constraint, ...]:
    """Return the constraints of a mapping from name to threshold, in its order."""
    return tuple(Constraint(name, float(threshold)) for name, threshold in thresholds.items())
