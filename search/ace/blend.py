"""FLAML's BlendSearch with constraints, its trap around missing values and zeros avoided.

Source: [D] Sec. 4.3.2, key "BlendSearch" of docs/sources.md; facts, section A.
Differs from the source: BlendSearch takes a constraint that is missing or exactly 0 for one that is met; here
every result carries one, as a violation against the threshold 0, which is never exactly 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # flaml names parts that it could not import, of which none is used here
    from flaml.tune.searcher.blendsearch import BlendSearch

from search.ace.final_score import FinalScores
from search.ace.options import Constraint

MET = -1e-12  # instead of a violation of exactly 0


class ConstrainedBlendSearch(BlendSearch):
    """BlendSearch that gets the score and the violations of a trial's best checkpoint at its end."""

    def __init__(
        self,
        space: Mapping[str, Any],
        *,
        metric: str,
        mode: str,
        constraints: Sequence[Constraint],
        seed: int,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self._scores = FinalScores(metric, tuple(constraints))
        start = {} if initial is None else dict(initial)
        super().__init__(
            metric=metric,
            mode=mode,
            space=dict(space),
            low_cost_partial_config=start,
            points_to_evaluate=[start] if start else None,
            metric_constraints=[(violation_key(constraint), "<=", 0.0) for constraint in constraints],
            seed=seed,
        )

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        score = None if error else self._scores.of(result)
        if score is None:
            super().on_trial_complete(trial_id, None, error=True)
            return
        told: dict[str, Any] = {**(result or {}), self._scores.metric: score.value}
        for constraint in self._scores.constraints:
            told[violation_key(constraint)] = score.violations[constraint.name] or MET
        super().on_trial_complete(trial_id, told)


def violation_key(constraint: Constraint) -> str:
    """Return the key under which BlendSearch finds the violation of a constraint."""
    return f"ace/violation/{constraint.name}"
