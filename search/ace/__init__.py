"""ACE: adaptive constraint-aware early stopping for Ray Tune; usable with nothing else of this project.

Source: [D] chapter 4.

The pure parts (cost, stratum, violation, ranking, options, record, state, course) import neither torch nor
ray. The names below are loaded when they are first asked for, so that importing a pure part does not start
Ray.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.ace.board import AceBoard, start_board
    from search.ace.options import AceError, AceOptions, Constraint
    from search.ace.persistence import AceStateCallback, read_books
    from search.ace.record import Record
    from search.ace.scheduler import AceScheduler
    from search.ace.state import AceState, Verdict
    from search.ace.stratum import Stratum
    from search.ace.summary import no_feasible_message
    from search.ace.trainable import ConstrainedTrainable

_HOMES = {
    "AceBoard": "board",
    "AceError": "options",
    "AceOptions": "options",
    "AceScheduler": "scheduler",
    "AceState": "state",
    "AceStateCallback": "persistence",
    "ConstrainedTrainable": "trainable",
    "Constraint": "options",
    "Record": "record",
    "Stratum": "stratum",
    "Verdict": "state",
    "no_feasible_message": "summary",
    "read_books": "persistence",
    "start_board": "board",
}

__all__ = [
    "AceBoard",
    "AceError",
    "AceOptions",
    "AceScheduler",
    "AceState",
    "AceStateCallback",
    "ConstrainedTrainable",
    "Constraint",
    "Record",
    "Stratum",
    "Verdict",
    "no_feasible_message",
    "read_books",
    "start_board",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
