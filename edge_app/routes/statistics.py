"""Counts over time, from the roll-up that is kept longer than the results."""

import time
from enum import Enum
from typing import Optional

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from edge_app.routes.access import get_store
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.filters import MAX_NAME
from edge_app.routes.records.statistics import BucketOut, StatisticsOut
from edge_app.routes.times import EXAMPLE, iso_of, ms_of
from edge_app.store import Store
from inspector.errors import InputError

MAX_BUCKETS = 3000  # 125 days by the hour, 8 years by the day


class BucketSize(str, Enum):
    """How much time one bucket is."""

    HOUR = "hour"
    DAY = "day"

    @property
    def ms(self) -> int:
        """Its length."""
        return 3_600_000 if self is BucketSize.HOUR else 86_400_000


DEFAULT_BUCKETS = {BucketSize.HOUR: 24, BucketSize.DAY: 30}

router = APIRouter(prefix="/api/v1", tags=["results"])


@router.get(
    "/statistics",
    operation_id="get_statistics",
    response_model=StatisticsOut,
    responses=errors(422),
    summary="Statistics over time",
)
def statistics(
    from_: Optional[str] = Query(
        None,
        alias="from",
        description="ISO 8601 with its offset from UTC; 24 hours or 30 days before `to` if missing.",
        examples=[EXAMPLE],
        json_schema_extra={"format": "date-time"},
    ),
    to: Optional[str] = Query(
        None,
        description="ISO 8601 with its offset from UTC; now where it is not given.",
        examples=[EXAMPLE],
        json_schema_extra={"format": "date-time"},
    ),
    bucket: BucketSize = Query(BucketSize.HOUR, description="How much time one bucket is."),
    source: Optional[str] = Query(None, max_length=MAX_NAME),
    lot: Optional[str] = Query(None, max_length=MAX_NAME),
    model: Optional[str] = Query(None, max_length=MAX_NAME, description="A model's digest."),
    store: Store = Depends(get_store),
) -> Response:
    """Verdicts, mean image score and mean latency by the hour or day."""
    to_ms = int(time.time() * 1000) if to is None else ms_of(to, name="to")
    from_ms = to_ms - DEFAULT_BUCKETS[bucket] * bucket.ms if from_ is None else ms_of(from_, name="from")
    num_buckets = (to_ms - from_ms) / bucket.ms
    if num_buckets <= 0:
        raise InputError(f"from = {iso_of(from_ms)} is not before to = {iso_of(to_ms)}; swap them")
    if num_buckets > MAX_BUCKETS:
        raise InputError(
            f"from {iso_of(from_ms)} to {iso_of(to_ms)} has {num_buckets:.0f} buckets of one {bucket.value}, "
            f"the limit is {MAX_BUCKETS}; ask for days or for a shorter time"
        )
    found = store.statistics(
        from_ms=from_ms, to_ms=to_ms, bucket=bucket.value, source=source, lot=lot, model=model
    )
    return json_answer(
        StatisticsOut(
            start=iso_of(from_ms),
            to=iso_of(to_ms),
            bucket=bucket.value,
            buckets=[BucketOut.of(each) for each in found],
        )
    )
