"""One trial's own books: how often its constraint is evaluated, on which checkpoint, and what it reports.

Source: [D] Algorithm 3, lines 1 to 15, Sec. 4.2.3; facts/search_algorithms.md, section C, rules 2, 3, 6, 7.
Differs from the source: C1 is the mean over all trials until this one has its own. As long as nobody has
evaluated anything, r is unknown and beta = T; if every trial were stopped before T, r would stay unknown for
ever, so one trial of the experiment makes one early evaluation, the probe.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from search.ace import record as keys
from search.ace.cost import best_interval
from search.ace.options import AceError, AceOptions
from search.ace.state import Standing
from search.ace.stratum import Stratum, classify, is_due, is_promising, is_rung


@dataclass
class MeanCost:
    """A running mean in seconds; None while nothing was added."""

    sum_s: float = 0.0
    count: int = 0

    def add(self, cost_s: float) -> None:
        self.sum_s += cost_s
        self.count += 1

    @property
    def value(self) -> float | None:
        return self.sum_s / self.count if self.count else None


@dataclass
class Evaluation:
    """The constraint values of one checkpoint, and what it cost to get them."""

    iteration: int
    loss: float
    g: tuple[float, ...]
    cost_s: float


Entry = tuple[int, float, tuple[float, ...] | None, float | None]  # iteration, loss, g, C1


@dataclass
class Course:
    """What one trial knows of itself and of the others.

    Attributes:
        total: T of this trial.
        iteration: Own counter, which a restore does not reset.
        kept_loss: Loss of the best checkpoint that was kept for an evaluation at T.
        history: What was reported, for books that are older than the checkpoint a trial is restored from.
    """

    total: int
    iteration: int = 0
    loss: float = math.inf
    kept_loss: float = math.inf
    kept_iteration: int = 0
    primary: MeanCost = field(default_factory=MeanCost)
    constraint: MeanCost = field(default_factory=MeanCost)
    last_g: tuple[float, ...] | None = None
    best_feasible_loss: float = math.inf
    best_feasible_iteration: int = 0
    standing: Standing = field(default_factory=Standing)
    history: list[Entry] = field(default_factory=list)

    def advance(self, loss: float, primary_cost_s: float) -> None:
        """Enter one iteration of training and its loss."""
        self.iteration += 1
        self.loss = loss
        self.primary.add(primary_cost_s)

    def learn(self, standing: Standing) -> None:
        """Enter what the board says. f* only falls, so an old board can do no harm."""
        best = min(self.standing.best_feasible_loss, standing.best_feasible_loss)
        cost_s = standing.constraint_cost_s
        self.standing = Standing(best, self.standing.constraint_cost_s if cost_s is None else cost_s)

    def enter(self, evaluation: Evaluation, options: AceOptions) -> None:
        """Enter an evaluation of the constraint."""
        self.constraint.add(evaluation.cost_s)
        self.last_g = evaluation.g
        is_valid = classify(evaluation.g, options.thresholds) is Stratum.VALID
        if is_valid and evaluation.loss < self.best_feasible_loss:
            self.best_feasible_loss = evaluation.loss
            self.best_feasible_iteration = evaluation.iteration
            self.learn(Standing(best_feasible_loss=evaluation.loss))

    def keep(self) -> None:
        """Note that the present checkpoint was kept."""
        self.kept_loss, self.kept_iteration = self.loss, self.iteration

    @property
    def cost_ratio(self) -> float | None:
        """r = C1/C2; None while C1 is unknown."""
        own = self.constraint.value
        constraint_s = self.standing.constraint_cost_s if own is None else own
        primary_s = self.primary.value
        return None if constraint_s is None or primary_s is None else constraint_s / max(primary_s, 1e-9)

    def beta(self, options: AceOptions) -> int:
        """Return the present interval, 1 or T (Algorithm 3, line 1); T while r is unknown."""
        if options.interval == "adaptive":
            ratio = self.cost_ratio
            if ratio is None:
                return self.total
            return best_interval(stop_probability=options.truncation, iterations=self.total, cost_ratio=ratio)
        return 1 if options.interval == "one" else self.total

    def is_due(self, options: AceOptions) -> bool:
        """Return whether the schedule asks for an evaluation at this iteration."""
        if not options.evaluates:
            return False
        beta = self.beta(options)
        if beta == 1 and options.spacing == "geometric":
            return is_rung(self.iteration, reduction_factor=options.reduction_factor)
        return is_due(self.iteration, interval=beta)

    def is_wanted(self, options: AceOptions) -> bool:
        """Return whether the candidate is worth an evaluation ([D] Sec. 4.2.5)."""
        loss = self.kept_loss if self.uses_kept(options) else self.loss
        best = self.standing.best_feasible_loss if options.skip else math.inf
        return is_promising(loss, best_feasible_loss=best)

    def uses_kept(self, options: AceOptions) -> bool:
        """Return whether the candidate is the kept checkpoint: beta = T judges the best one (Sec. 4.3.4)."""
        return self.total > 1 and self.beta(options) == self.total and self.kept_loss < self.loss

    def should_keep(self, options: AceOptions) -> bool:
        """Return whether this checkpoint may be the one that is judged at T."""
        may_wait = options.evaluates and self.beta(options) == self.total and self.iteration < self.total
        return may_wait and self.loss < self.kept_loss

    def lacks_cost(self, options: AceOptions) -> bool:
        """Return whether r is needed and unknown."""
        return options.evaluates and options.interval == "adaptive" and self.cost_ratio is None

    def report(self, options: AceOptions, evaluation: Evaluation | None) -> dict[str, Any]:
        """Enter and return the fields of a report; each carries the last known g, for any may be the last."""
        loss, g, cost_s = (
            (evaluation.loss, evaluation.g, evaluation.cost_s) if evaluation else (self.loss, None, None)
        )
        self.history.append((self.iteration, loss, g, cost_s))
        stratum = classify(g, options.thresholds)
        known = self.last_g if self.last_g is not None else (math.nan,) * len(options.constraints)
        feasible = math.isfinite(self.best_feasible_loss)
        return {
            keys.ITERATION: self.iteration,
            keys.EVALUATED: evaluation is not None,
            keys.CANDIDATE: options.objective(evaluation.loss) if evaluation else math.nan,
            keys.CANDIDATE_ITERATION: evaluation.iteration if evaluation else 0,
            keys.STRATUM: stratum.value,
            keys.BETA: self.beta(options),
            keys.COST_RATIO: _or_nan(self.cost_ratio),
            keys.BEST_FEASIBLE: options.objective(self.best_feasible_loss) if feasible else math.nan,
            keys.BEST_FEASIBLE_ITERATION: self.best_feasible_iteration,
            keys.CONSTRAINT_COST_S: _or_nan(cost_s),
            **{
                keys.constraint_key(c.name): value
                for c, value in zip(options.constraints, known, strict=True)
            },
        }

    def saved(self) -> dict[str, Any]:
        """Return everything as plain numbers."""
        return asdict(self)

    @staticmethod
    def loaded(saved: Mapping[str, Any]) -> "Course":
        """Return the course of `saved`.

        Raises:
            AceError: it was saved by another version of the code.
        """
        try:
            course = Course(**saved)
        except TypeError as error:
            raise AceError(f"a trial's checkpoint is of another version of ACE: {error}") from error
        course.primary = MeanCost(**saved["primary"])
        course.constraint = MeanCost(**saved["constraint"])
        course.standing = Standing(**saved["standing"])
        return course


def _or_nan(value: float | None) -> float:
    """Reports hold numbers, so that loggers keep their columns."""
    return math.nan if value is None else value
