"""Thresholds: in force, asked for, and as they were."""

from typing import List, Optional

from pydantic import Field

from edge_app.routes.records.record import Record
from edge_app.routes.strict import Input
from edge_app.routes.times import iso_of
from edge_app.store import ThresholdVersion
from inspector.postprocess import Thresholds


class ThresholdsOut(Record):
    """What the smoothed score map was held against."""

    fail: float = Field(description="A large enough region above this score is FAIL.", examples=[0.62])
    review: float = Field(description="A large enough region above this score is REVIEW.", examples=[0.4])
    min_area_px: int = Field(
        description="Smallest region that counts, in pixels of the network's input.", examples=[4]
    )

    @classmethod
    def of(cls, thresholds: Thresholds) -> "ThresholdsOut":
        return cls(fail=thresholds.fail, review=thresholds.review, min_area_px=int(thresholds.min_area_px))


class ThresholdsIn(Input):
    """The thresholds to judge with from now on."""

    fail: float = Field(ge=0, le=1, examples=[0.62])
    review: float = Field(ge=0, le=1, description="Not above `fail`.", examples=[0.4])
    min_area_px: int = Field(ge=1, le=100_000_000, examples=[4])

    def thresholds(self) -> Thresholds:
        """Return them checked against each other; InputError when `review` is above `fail`."""
        return Thresholds(fail=self.fail, review=self.review, min_area_px=self.min_area_px)


class ThresholdVersionOut(Record):
    """Thresholds and who set them. Version 0 is the bundle's own."""

    version: int
    thresholds: ThresholdsOut
    by: Optional[str] = Field(description="Who set them; null for the bundle's own.")
    when: Optional[str] = Field(description="UTC, ISO 8601; null for the bundle's own.")

    @classmethod
    def of(cls, version: ThresholdVersion) -> "ThresholdVersionOut":
        return cls(
            version=version.version,
            thresholds=ThresholdsOut.of(version.thresholds),
            by=version.by,
            when=iso_of(version.when_ms),
        )

    @classmethod
    def own(cls, thresholds: Thresholds) -> "ThresholdVersionOut":
        """Shape the bundle's own."""
        return cls(version=0, thresholds=ThresholdsOut.of(thresholds), by=None, when=None)


class ThresholdHistoryOut(Record):
    """Every version for the served model, newest first; the bundle's own is the last."""

    items: List[ThresholdVersionOut]
