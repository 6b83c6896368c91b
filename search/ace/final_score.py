"""What a searcher is told of a finished trial: one value, and by how much each constraint is violated.

Source: [D] Sec. 4.2.1: a trial counts by its best checkpoint that meets the constraint.
Differs from the source: a trial whose constraint was never evaluated counts as violating it, by the largest
violation seen so far. Telling a searcher that such a trial is feasible would lead it to where trials score
well because they break the constraint; FLAML does so with a missing value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from search.ace.options import Constraint
from search.ace.record import BEST_FEASIBLE, constraint_key

FIRST_GUESS = 1.0  # the violation of a trial without any, before one was seen


@dataclass(frozen=True)
class FinalScore:
    """The value in the user's own direction, and by how much each constraint is violated; 0 or less: met."""

    value: float
    violations: Mapping[str, float]


@dataclass
class FinalScores:
    """Reads final results one after the other, and remembers the largest violations."""

    metric: str
    constraints: Sequence[Constraint]
    largest: dict[str, float] = field(default_factory=dict)

    def of(self, result: Mapping[str, Any] | None) -> FinalScore | None:
        """Return the score of a trial's last result; None where it has no finite objective."""
        if not result or not _finite(result.get(self.metric)):
            return None
        best = result.get(BEST_FEASIBLE)
        if _finite(best):
            return FinalScore(float(best), {constraint.name: 0.0 for constraint in self.constraints})
        violations = {constraint.name: self._violation(constraint, result) for constraint in self.constraints}
        return FinalScore(float(result[self.metric]), violations)

    def _violation(self, constraint: Constraint, result: Mapping[str, Any]) -> float:
        value = result.get(constraint_key(constraint.name))
        if not _finite(value):
            return self.largest.get(constraint.name, FIRST_GUESS)
        violation = float(value) - constraint.threshold
        if violation > 0.0:
            self.largest[constraint.name] = max(violation, self.largest.get(constraint.name, 0.0))
        return violation


def _finite(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)
