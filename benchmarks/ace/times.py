"""From measured cells to one ratio: numbers in, answer out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

RIVALS = ("no_stopping", "no_stopping_callback", "asha", "asha_callback")
NEVER = 10.0  # budgets that a seed counts whose ACE never got there


@dataclass(frozen=True)
class Race:
    """One seed.

    Attributes:
        rival: The best baseline, and `rival_auc` its score when it ended; None where none found anything.
        seconds: When ACE had something as good; None: never.
    """

    seed: int
    rival: str
    rival_auc: float | None
    ace_auc: float | None
    seconds: float | None
    budget_s: float

    @property
    def budgets(self) -> float:
        """Return the time to the rival's score in budgets, `NEVER` where it was not reached."""
        return NEVER if self.seconds is None else self.seconds / self.budget_s


def races(cells: Sequence[Mapping[str, Any]], *, searcher: str, threshold: float) -> list[Race]:
    """Return a race for each seed of which ACE and all rivals were measured with Fairlearn's EOD."""
    by_seed: dict[int, dict[str, Mapping[str, Any]]] = {}
    for cell in cells:
        identity = cell["identity"]
        asked = (searcher, threshold, "fairlearn", 0.25)
        if tuple(identity[key] for key in ("searcher", "threshold", "eod", "truncation")) == asked:
            by_seed.setdefault(identity["seed"], {})[identity["policy"]] = cell
    whole = {seed: found for seed, found in by_seed.items() if {"ace", *RIVALS} <= set(found)}
    return [_race(seed, found) for seed, found in sorted(whole.items())]


def median_budgets(found: Sequence[Race]) -> float:
    """Return the median over the seeds."""
    return statistics.median(race.budgets for race in found)


def _race(seed: int, found: Mapping[str, Mapping[str, Any]]) -> Race:
    finals = {name: found[name]["figures"]["auc"] for name in RIVALS}
    rival = max(RIVALS, key=lambda name: -1.0 if finals[name] is None else float(finals[name]))
    goal = finals[rival]
    history = found["ace"]["history"]
    reached = (seconds for seconds, auc in history if goal is None or auc >= goal)
    return Race(
        seed=seed,
        rival=rival,
        rival_auc=goal,
        ace_auc=found["ace"]["figures"]["auc"],
        seconds=next(reached, None),
        budget_s=float(found["ace"]["identity"]["budget_s"]),
    )
