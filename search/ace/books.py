"""The books of an experiment as plain values, and back.

The books that are put back may be older or newer than the trials' own checkpoints. Records are keyed by trial
and iteration, so one that comes twice counts once.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from search.ace.options import AceError, AceOptions, Constraint
from search.ace.record import Record
from search.ace.state import AceState, Verdict
from search.ace.stratum import Stratum

SCHEMA_VERSION = 1


def dump_state(state: AceState) -> dict[str, Any]:
    """Return the books as plain values that can be pickled or written as JSON."""
    return {
        "schema": SCHEMA_VERSION,
        "options": {
            **dataclasses.asdict(state.options),
            "constraints": [dataclasses.astuple(constraint) for constraint in state.options.constraints],
        },
        "records": [
            (item.trial_id, item.iteration, item.loss, item.g, item.stratum.value, item.constraint_cost_s)
            for item in state.records()
        ],
        "stops": {
            trial: {**dataclasses.asdict(verdict), "stratum": verdict.stratum.value}
            for trial, verdict in state.stops.items()
        },
    }


def load_state(saved: Mapping[str, Any], state: AceState) -> None:
    """Enter saved books into `state`.

    Raises:
        AceError: they are of another version of the code, or of other constraints. Nothing was entered.
    """
    theirs, own = saved_options(saved).constraints, state.options.constraints
    if theirs != own:
        raise AceError(
            f"the saved books are of constraints {_text(theirs)}, the scheduler has {_text(own)}; "
            "restore with the same ones"
        )
    for trial, iteration, loss, g, stratum, cost_s in saved["records"]:
        values = None if g is None else tuple(g)
        state.add(Record(trial, iteration, loss, values, Stratum(stratum), cost_s))
    for trial, verdict in saved["stops"].items():
        state.stops[trial] = Verdict(**{**verdict, "stratum": Stratum(verdict["stratum"])})


def saved_options(saved: Mapping[str, Any]) -> AceOptions:
    """Return the options that saved books were kept under.

    Raises:
        AceError: they are of another version of the code.
    """
    _check_version(saved)
    constraints = tuple(Constraint(*item) for item in saved["options"]["constraints"])
    return AceOptions(**{**saved["options"], "constraints": constraints})


def _check_version(saved: Mapping[str, Any]) -> None:
    if saved.get("schema") != SCHEMA_VERSION:
        raise AceError(
            f"the saved books of this experiment have schema {saved.get('schema')}, this version reads "
            f"{SCHEMA_VERSION}; restore with the version that wrote them (nothing on disk was changed)"
        )


def _text(constraints: tuple[Constraint, ...]) -> str:
    return ", ".join(f"{item.name} <= {item.threshold:g}" for item in constraints) or "(none)"
