"""What goes over the live WebSocket: results as they come, and how everything is, once a second."""

from typing import Dict, List, Optional

from pydantic import Field
from typing_extensions import Literal

from edge_app.routes.records.cameras import CameraOut
from edge_app.routes.records.inspection import PREFIX
from edge_app.routes.records.record import DIGITS, Record
from edge_app.routes.records.thresholds import ThresholdsOut
from edge_app.routes.times import iso_of
from edge_app.services.control_chart import Level
from edge_app.services.live import LiveUpdate
from edge_app.services.result import Outcome


class LiveResultOut(Record):
    """One result, without its regions: `self` has everything."""

    kind: Literal["result"] = "result"
    id: str
    self: str = Field(description="The address of the whole result.")
    created: str = Field(description="UTC, ISO 8601.")
    source: str
    lot: str
    verdict: Outcome
    reason: str
    image_score: Optional[float]
    num_regions: int
    thresholds: ThresholdsOut
    threshold_version: Optional[int]
    latency_ms: Optional[float]
    frame_age_ms: Optional[float]
    num_skipped: int = Field(description="Results that this viewer has missed since the one before.")

    @classmethod
    def of(cls, update: LiveUpdate) -> "LiveResultOut":
        result = update.result
        score, latency_ms, age_ms = result.image_score, result.latency_ms, result.origin.frame_age_ms
        return cls(
            id=result.id,
            self=f"{PREFIX}/{result.id}",
            created=iso_of(result.created_ms),
            source=result.origin.source,
            lot=result.origin.lot,
            verdict=result.outcome,
            reason=result.reason,
            image_score=None if score is None else round(float(score), DIGITS),
            num_regions=len(result.regions),
            thresholds=ThresholdsOut.of(result.thresholds),
            threshold_version=result.threshold_version,
            latency_ms=None if latency_ms is None else round(latency_ms, 3),
            frame_age_ms=None if age_ms is None else round(age_ms, 3),
            num_skipped=update.num_skipped,
        )


class LiveModelOut(Record):
    """Which model answers, and what happens to it."""

    state: str = Field(description="`serving`, or `swapping` or `failed` while no model answers.")
    reason: str
    warning: str
    serving: Optional[str] = Field(description="A digest.")
    shadow: Optional[str]
    loading: Optional[str]
    name: Optional[str]
    version: Optional[str]


class LiveDriftOut(Record):
    """The drift monitor in one sentence."""

    level: Level
    sentence: str


class LiveStateOut(Record):
    """How the device does now."""

    kind: Literal["state"] = "state"
    now: str = Field(description="The device's clock, UTC, ISO 8601: ages are told by it.")
    counts: Dict[str, int] = Field(description="Photos since the start, by outcome.")
    cameras: List[CameraOut]
    model: LiveModelOut
    thresholds: Optional[ThresholdsOut] = Field(description="In force; null while no model answers.")
    threshold_version: Optional[int]
    drift: LiveDriftOut
