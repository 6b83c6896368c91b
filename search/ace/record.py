"""One report of one trial as ACE sees it, and the names under which trials report.

Source: [D] Algorithm 3; facts/search_algorithms.md, section C, rules 1, 4 and 7.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search.ace.options import AceError, AceOptions
from search.ace.stratum import Stratum, classify

ITERATION = "ace/iteration"
EVALUATED = "ace/evaluated"
CANDIDATE = "ace/candidate"  # objective of the checkpoint whose constraint was evaluated
CANDIDATE_ITERATION = "ace/candidate_iter"
STRATUM = "ace/stratum"
BETA = "ace/beta"
COST_RATIO = "ace/r"
BEST_FEASIBLE = "ace/best_feasible"
BEST_FEASIBLE_ITERATION = "ace/best_feasible_iter"
CONSTRAINT_COST_S = "ace/c1_s"
PRIMARY_COST_S = "ace/c2_s"
HISTORY = "ace/history"  # earlier records of the trial, in its first report after a restore
STOPPED = "ace/stopped"  # why the scheduler stopped the trial here; empty where it did not


def constraint_key(name: str) -> str:
    """Return the key of a constraint's last known value, which every report carries."""
    return f"ace/g/{name}"


@dataclass(frozen=True, slots=True)
class Record:
    """One report.

    Attributes:
        loss: Objective as a loss, infinite where it is not a number. Of the evaluated checkpoint where the
            constraint was evaluated, which for beta = T is the best one so far; of this iteration elsewhere.
        g: Constraint values in the order of the options; None where they were not evaluated.
        constraint_cost_s: C1 of this evaluation in seconds; None where it is unknown.
    """

    trial_id: str
    iteration: int
    loss: float
    g: tuple[float, ...] | None
    stratum: Stratum
    constraint_cost_s: float | None = None


def make_record(
    trial_id: str,
    iteration: int,
    *,
    loss: float,
    g: tuple[float, ...] | None,
    options: AceOptions,
    constraint_cost_s: float | None = None,
) -> Record:
    """Return the record of a loss and of constraint values, in its stratum."""
    stratum = classify(g, options.thresholds)
    return Record(trial_id, iteration, math.inf if math.isnan(loss) else loss, g, stratum, constraint_cost_s)


def read_record(trial_id: str, result: Mapping[str, Any], options: AceOptions) -> Record:
    """Return the record of a flat Ray result.

    A ConstrainedTrainable says `ace/evaluated`. A report without it comes from a trainable that knows
    nothing of
    ACE: its constraints count as evaluated where they are all reported under their own names.

    Raises:
        AceError: the objective is missing or is no number.
    """
    if options.metric not in result:
        known = ", ".join(sorted(key for key in result if not key.startswith("config/")))
        raise AceError(
            f"trial {trial_id} reported no {options.metric!r}; report it at every iteration "
            f"(it reported: {known})"
        )
    evaluated = result.get(EVALUATED)
    named = evaluated is None
    g = _read_constraints(result, options, named=named) if named or evaluated else None
    key = options.metric if g is None or named else CANDIDATE
    cost_s = None if g is None or named else _number(result, CONSTRAINT_COST_S, trial_id)
    iteration = result.get(ITERATION, result.get("training_iteration"))
    if iteration is None:
        raise AceError(f"trial {trial_id} reported neither {ITERATION!r} nor 'training_iteration'")
    return make_record(
        trial_id,
        int(iteration),
        loss=options.loss(_number(result, key, trial_id)),
        g=g,
        options=options,
        constraint_cost_s=cost_s,
    )


def read_history(trial_id: str, result: Mapping[str, Any], options: AceOptions) -> list[Record]:
    """Return the earlier records that a restored trial brings along, for books that are older than it."""
    return [
        make_record(
            trial_id,
            iteration,
            loss=loss,
            g=None if g is None else tuple(g),
            options=options,
            constraint_cost_s=cost_s,
        )
        for iteration, loss, g, cost_s in result.get(HISTORY) or ()
    ]


def _read_constraints(
    result: Mapping[str, Any], options: AceOptions, *, named: bool
) -> tuple[float, ...] | None:
    """Return the constraint values, or None where a trainable without ACE left one out."""
    keys = [c.name if named else constraint_key(c.name) for c in options.constraints]
    values = [result.get(key) for key in keys]
    if not keys or (named and any(value is None for value in values)):
        return None
    return tuple(math.nan if value is None else float(value) for value in values)


def _number(result: Mapping[str, Any], key: str, trial_id: str) -> float:
    value = result.get(key)
    try:
        return math.nan if value is None else float(value)
    except (TypeError, ValueError) as error:
        raise AceError(f"trial {trial_id} reported {key} = {value!r}; it must be a number") from error
