"""The query options that choose results: one set for lists, exports, replay and labels."""

from enum import Enum
from typing import List, Optional

from fastapi import Query

from edge_app.routes.times import EXAMPLE, ms_of
from edge_app.services.result import Outcome
from edge_app.store import ResultFilter
from inspector.errors import InputError

MAX_NAME = 100
TEXT = r"^[^\x00-\x1f\x7f]*$"  # no control characters


class DecisionState(str, Enum):
    """What a person said; `none`: nobody said anything, `any`: somebody did."""

    GOOD = "good"
    DEFECT = "defect"
    UNSURE = "unsure"
    NONE = "none"
    ANY = "any"


def asked_filter(
    from_: Optional[str] = Query(
        None,
        alias="from",
        description="Not before this time: ISO 8601 with its offset from UTC.",
        examples=[EXAMPLE],
        json_schema_extra={"format": "date-time"},
    ),
    to: Optional[str] = Query(
        None,
        description="Before this time: ISO 8601 with its offset from UTC.",
        examples=[EXAMPLE],
        json_schema_extra={"format": "date-time"},
    ),
    source: Optional[List[str]] = Query(
        None, description="`rest`, or a camera's name; repeat it for several.", max_length=20
    ),
    lot: Optional[str] = Query(None, max_length=MAX_NAME),
    verdict: Optional[List[Outcome]] = Query(
        None, description="Repeat it for several.", max_length=len(Outcome)
    ),
    model: Optional[str] = Query(
        None, max_length=MAX_NAME, description="The digest of the model that answered."
    ),
    min_score: Optional[float] = Query(None, ge=0, le=1, description="Image score at least this."),
    max_score: Optional[float] = Query(None, ge=0, le=1, description="Image score at most this."),
    decision: Optional[DecisionState] = Query(
        None, description="What a person said; `none`: nothing, `any`: something."
    ),
) -> ResultFilter:
    """Read a filter from the query; InputError when its bounds contradict each other."""
    from_ms = None if from_ is None else ms_of(from_, name="from")
    to_ms = None if to is None else ms_of(to, name="to")
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise InputError(f"from = {from_} is not before to = {to}; results are from `from` up to before `to`")
    if min_score is not None and max_score is not None and min_score > max_score:
        raise InputError(f"min_score = {min_score:g} is above max_score = {max_score:g}; swap them")
    return ResultFilter(
        from_ms=from_ms,
        to_ms=to_ms,
        sources=tuple(source) if source else None,
        lot=lot,
        outcomes=tuple(verdict) if verdict else None,
        model=model,
        min_score=min_score,
        max_score=max_score,
        decision=None if decision is None else decision.value,
    )
