"""What a person said of a part."""

from enum import Enum

from pydantic import Field

from edge_app.routes.records.record import Record
from edge_app.routes.strict import Input
from edge_app.routes.times import iso_of
from edge_app.store import OperatorDecision


class Decision(str, Enum):
    """The part is good, is defective, or cannot be told."""

    GOOD = "good"
    DEFECT = "defect"
    UNSURE = "unsure"


class DecisionIn(Input):
    """A person's decision; a later one replaces it, and both are kept in the history."""

    decision: Decision = Field(examples=["defect"])
    note: str = Field(default="", max_length=1000, examples=["scratch at the rim"])


class DecisionOut(Record):
    """Who decided what, and when."""

    decision: Decision
    by: str
    when: str = Field(description="UTC, ISO 8601.")
    note: str

    @classmethod
    def of(cls, decision: OperatorDecision) -> "DecisionOut":
        return cls(
            decision=Decision(decision.decision),
            by=decision.by,
            when=iso_of(decision.when_ms),
            note=decision.note,
        )
