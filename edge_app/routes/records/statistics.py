"""Counts over time."""

from typing import List, Optional

from pydantic import Field

from edge_app.routes.records.record import DIGITS, Record
from edge_app.routes.times import iso_of
from edge_app.services.result import Outcome
from edge_app.store import Bucket


class CountsOut(Record):
    """How many results had each verdict."""

    passed: int = Field(serialization_alias="pass", description="PASS")
    review: int
    fail: int
    no_decision: int


class BucketOut(Record):
    """One hour or day."""

    start: str = Field(description="UTC, ISO 8601.")
    counts: CountsOut
    mean_score: Optional[float] = Field(description="Mean image score; null where none was scored.")
    mean_latency_ms: Optional[float]

    @classmethod
    def of(cls, bucket: Bucket) -> "BucketOut":
        score, latency_ms = bucket.mean_score, bucket.mean_latency_ms
        return cls(
            start=iso_of(bucket.start_ms),
            counts=CountsOut(
                passed=bucket.counts.get(Outcome.PASS, 0),
                review=bucket.counts.get(Outcome.REVIEW, 0),
                fail=bucket.counts.get(Outcome.FAIL, 0),
                no_decision=bucket.counts.get(Outcome.NO_DECISION, 0),
            ),
            mean_score=None if score is None else round(score, DIGITS),
            mean_latency_ms=None if latency_ms is None else round(latency_ms, 3),
        )


class StatisticsOut(Record):
    """Counts over time, oldest first; buckets in which nothing happened are left out."""

    start: str = Field(serialization_alias="from", description="UTC, ISO 8601.")
    to: str = Field(description="UTC, ISO 8601.")
    bucket: str = Field(description="`hour` or `day`, in UTC.")
    buckets: List[BucketOut]
