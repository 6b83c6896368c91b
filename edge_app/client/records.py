"""What the client gives back: a few typed records; `json` holds everything that the server said."""

from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Region:
    """A defective region in the photo's pixels; `contour` as (x, y)."""

    x: int
    y: int
    width: int
    height: int
    area_px: int
    mean_score: float
    peak_score: float
    contour: Tuple[Tuple[int, int], ...]


@dataclass(frozen=True)
class Decision:
    """What a person said of a part: `good`, `defect` or `unsure`; `when` is UTC, ISO 8601."""

    decision: str
    by: str
    when: str
    note: str


@dataclass(frozen=True)
class Inspection:
    """One inspected photo. verdict: PASS, REVIEW, FAIL or NO_DECISION, which `reason` explains.

    stored: it is on the server's disk. `json` is the whole answer: model, thresholds, origin, links, …
    """

    id: str
    created: str
    verdict: str
    reason: str
    image_score: Optional[float]
    regions: Tuple[Region, ...]
    source: str
    lot: str
    stored: bool
    decision: Optional[Decision]
    json: Mapping[str, Any]

    @classmethod
    def of(cls, json: Mapping[str, Any]) -> "Inspection":
        """Read what the server sent."""
        decision = json["decision"]
        return cls(
            id=json["id"],
            created=json["created"],
            verdict=json["verdict"],
            reason=json["reason"],
            image_score=json["image_score"],
            regions=tuple(_region(region) for region in json["regions"]),
            source=json["origin"]["source"],
            lot=json["origin"]["lot"],
            stored=json["stored"],
            decision=None if decision is None else decision_of(decision),
            json=json,
        )


def decision_of(json: Mapping[str, Any]) -> Decision:
    """Read a decision."""
    return Decision(json["decision"], json["by"], json["when"], json["note"])


def _region(json: Mapping[str, Any]) -> Region:
    return Region(
        **json["box"],
        area_px=json["area_px"],
        mean_score=json["mean_score"],
        peak_score=json["peak_score"],
        contour=tuple((x, y) for x, y in json["contour"]),
    )
