"""What would have been under other thresholds, or by another model."""

from enum import Enum
from typing import List, Optional

from pydantic import Field

from edge_app.routes.records.models import DIGEST_PATTERN
from edge_app.routes.records.record import DIGITS, Record
from edge_app.routes.strict import Input
from edge_app.routes.times import iso_of
from edge_app.services.replay import ReplayCounts, VerdictChange
from edge_app.services.result import Outcome
from edge_app.services.threshold_override import ThresholdOverride


class ReplayIn(Input):
    """Other thresholds, or a model, or both."""

    digest: Optional[str] = Field(
        default=None,
        pattern=DIGEST_PATTERN,
        description="Score photos again, by the serving or the shadow model; else stored maps are judged.",
    )
    fail: Optional[float] = Field(default=None, ge=0, le=1, examples=[0.6])
    review: Optional[float] = Field(default=None, ge=0, le=1)
    min_area_px: Optional[int] = Field(default=None, ge=1, le=100_000_000)

    def override(self) -> ThresholdOverride:
        """Return what it changes of the thresholds."""
        return ThresholdOverride(fail=self.fail, review=self.review, min_area_px=self.min_area_px)


class ChangeOut(Record):
    """A result whose verdict would be another one."""

    id: str
    created: str = Field(description="UTC, ISO 8601.")
    source: str
    lot: str
    before: Outcome
    after: Outcome
    score_before: Optional[float]
    score_after: float

    @classmethod
    def of(cls, change: VerdictChange) -> "ChangeOut":
        before = change.score_before
        return cls(
            id=change.id,
            created=iso_of(change.created_ms),
            source=change.source,
            lot=change.lot,
            before=change.before,
            after=change.after,
            score_before=None if before is None else round(float(before), DIGITS),
            score_after=round(float(change.score_after), DIGITS),
        )


class ChangedOut(Record):
    """How many went from one verdict to another."""

    before: Outcome
    after: Outcome
    num: int


class ReplayCountsOut(Record):
    """How far a replay is."""

    num_seen: int
    num_judged: int
    num_changed: int
    num_skipped: int = Field(description="Without a verdict (NO_DECISION).")
    num_without_file: int = Field(description="Photo or score map was not kept.")
    num_unreadable: int
    changed: List[ChangedOut]

    @classmethod
    def of(cls, counts: ReplayCounts) -> "ReplayCountsOut":
        pairs = sorted(dict(counts.changed).items())
        return cls(
            num_seen=counts.num_seen,
            num_judged=counts.num_judged,
            num_changed=counts.num_changed,
            num_skipped=counts.num_skipped,
            num_without_file=counts.num_without_file,
            num_unreadable=counts.num_unreadable,
            changed=[ChangedOut(before=before, after=after, num=num) for (before, after), num in pairs],
        )


class LineKind(str, Enum):
    """`change`: one verdict. `progress`: counts so far. `summary`: the last line, unless it is `error`."""

    CHANGE = "change"
    PROGRESS = "progress"
    SUMMARY = "summary"
    ERROR = "error"


class ReplayLineOut(Record):
    """One line of the answer."""

    kind: LineKind
    change: Optional[ChangeOut] = None
    counts: Optional[ReplayCountsOut] = None
    error: Optional[str] = None

    def line(self) -> bytes:
        """Return it as a line of NDJSON, without what it does not have."""
        return f"{self.model_dump_json(exclude_none=True)}\n".encode()
