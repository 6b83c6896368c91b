"""Counts and means over time, from the roll-up alone: results that were deleted still count."""

import sqlite3
from itertools import groupby
from operator import itemgetter
from typing import Any, Iterable, List, Optional

from edge_app.services.result import Outcome
from edge_app.store.files import HOUR_MS, hour_of
from edge_app.store.query import Terms, group_conditions
from edge_app.store.records import Bucket
from inspector.errors import InputError

BUCKET_MS = {"hour": HOUR_MS, "day": 24 * HOUR_MS}


def read_statistics(
    connection: sqlite3.Connection,
    *,
    from_ms: int,
    to_ms: int,
    bucket: str,
    source: Optional[str] = None,
    lot: Optional[str] = None,
    model: Optional[str] = None,
) -> List[Bucket]:
    """Return the buckets that are not empty, oldest first; whole hours from that of `from_ms` on.

    Raises:
        InputError: `bucket` is neither `hour` nor `day`.
    """
    if bucket not in BUCKET_MS:
        raise InputError(f"bucket is {bucket!r}; choose hour or day")
    groups = group_conditions(sources=None if source is None else (source,), lot=lot, model=model)
    terms = Terms(("hour_ms >= ?", "hour_ms < ?"), (hour_of(from_ms), to_ms)) + groups
    rows = connection.execute(
        f"SELECT hour_ms / {BUCKET_MS[bucket]} AS bucket, outcome, SUM(num), SUM(num_scored), "
        "SUM(sum_score), SUM(num_timed), SUM(sum_latency_ms) "
        "FROM rollup CROSS JOIN groups ON groups.id = rollup.group_id "
        f"WHERE {terms.where} GROUP BY bucket, outcome ORDER BY bucket",
        terms.parameters,
    )
    width_ms = BUCKET_MS[bucket]
    return [_bucket(number * width_ms, parts) for number, parts in groupby(rows, key=itemgetter(0))]


def _bucket(start_ms: int, parts: Iterable[Any]) -> Bucket:
    counts = dict.fromkeys(Outcome, 0)
    num_scored, sum_score, num_timed, sum_latency_ms = 0, 0.0, 0, 0.0
    for _, outcome, num, scored, score, timed, latency_ms in parts:
        counts[Outcome(outcome)] += num
        num_scored, sum_score = num_scored + scored, sum_score + score
        num_timed, sum_latency_ms = num_timed + timed, sum_latency_ms + latency_ms
    return Bucket(
        start_ms=start_ms,
        counts=counts,
        mean_score=sum_score / num_scored if num_scored else None,
        mean_latency_ms=sum_latency_ms / num_timed if num_timed else None,
    )
