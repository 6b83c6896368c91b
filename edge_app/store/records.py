"""What the store gives back."""

from dataclasses import dataclass
from typing import Mapping, Optional, Tuple

from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, ShadowAnswer
from inspector.postprocess import Region, Thresholds
from inspector.view import Layout, View, lay_out

DECISIONS = ("good", "defect", "unsure")  # what an operator can say of a part; stored as 1, 2, 3


@dataclass(frozen=True)
class Receipt:
    """What became of one result. `reason` says why it, or its files, were not kept; empty when all was kept.

    kept_files: photo and score map are on disk too. False by policy leaves `reason` empty.
    """

    stored: bool
    reason: str = ""
    kept_files: bool = False


@dataclass(frozen=True)
class OperatorDecision:
    """What a person said of a part: `good`, `defect` or `unsure`."""

    decision: str
    by: str
    when_ms: int
    note: str = ""


@dataclass(frozen=True)
class StoredResult:
    """One result as it is in the database; `seq` grows in the order in which results were stored.

    has_photo, has_score: the file was kept and has not been found missing. `decision` is the last one.
    view, input_hw: say how the score map lies on the photo, as in `Result`.
    """

    id: str
    seq: int
    created_ms: int
    outcome: Outcome
    reason: str
    image_score: Optional[float]
    regions: Tuple[Region, ...]
    frame_hw: Tuple[int, int]
    origin: Origin
    model: ModelVersion
    thresholds: Thresholds
    threshold_version: Optional[int]
    latency_ms: Optional[float]
    quality: Optional[FrameQuality]
    shadow: Optional[ShadowAnswer]
    media_type: str
    has_photo: bool
    has_score: bool
    decision: Optional[OperatorDecision] = None
    view: Optional[View] = None
    input_hw: Optional[Tuple[int, int]] = None

    @property
    def layout(self) -> Optional[Layout]:
        """How the score map lies on the photo; None where it covers the whole of it."""
        if self.view is None or self.input_hw is None:
            return None
        return lay_out(self.view, self.frame_hw, input_hw=self.input_hw)


@dataclass(frozen=True)
class Page:
    """Results, newest first; `next_cursor` asks for the page after it and is None on the last one."""

    items: Tuple[StoredResult, ...]
    next_cursor: Optional[str]


@dataclass(frozen=True)
class Bucket:
    """Counts and means of one hour or day (UTC) that begins at `start_ms`; a mean of nothing is None."""

    start_ms: int
    counts: Mapping[Outcome, int]
    mean_score: Optional[float]
    mean_latency_ms: Optional[float]


@dataclass(frozen=True)
class ThresholdVersion:
    """The device's own thresholds for a model; versions count from 1, 0 being the bundle's own."""

    version: int
    thresholds: Thresholds
    by: str
    when_ms: int


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, when."""

    id: int
    when_ms: int
    action: str
    by: str
    detail: str


@dataclass(frozen=True)
class AuditPage:
    """Audit entries, newest first."""

    items: Tuple[AuditEntry, ...]
    next_cursor: Optional[str]


@dataclass(frozen=True)
class StoreStatus:
    """How the store does. `state`: `ok`, `degraded` (not everything is kept) or `failed` (nothing is).

    num_bytes: photos, maps and the used part of the database. wal_bytes: its write-ahead log.
    """

    state: str
    reason: str
    num_results: int
    num_bytes: int
    free_bytes: int
    oldest_ms: Optional[int]
    wal_bytes: int
    num_pending: int
