"""Results for the tests of the store."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, Photo, Result, ShadowAnswer
from edge_app.store import StoragePolicy
from inspector.postprocess import Region, Thresholds

WAIT_S = 30
NOON_MS = 1_795_521_600_000  # 2026-11-24 12:00 UTC
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
KEEP_ALL = StoragePolicy(max_age_days=100_000, min_free_bytes=0)
PHOTO = b"\xff\xd8 a photo \xff\xd9"
SCORE = np.random.default_rng(0).random((8, 6), dtype=np.float32)
REGION = Region(((1, 2), (5, 2), (5, 9)), 1, 2, 5, 8, 30, 0.6, 0.75)

_numbers = itertools.count()


def made(
    *,
    source: str = "left",
    lot: str = "L1",
    digest: str = "d1",
    data: bytes = PHOTO,
    shadow: Outcome | None = None,
    **changes: Any,
) -> Result:
    """Return a result with an id of its own."""
    answer = None if shadow is None else ShadowAnswer(ModelVersion("d2", "bracket", "4"), shadow, 0.6)
    result = Result(
        id=f"r{next(_numbers):06d}",
        created_ms=NOON_MS,
        outcome=Outcome.PASS,
        origin=Origin(source, "continuous", lot, NOON_MS - 20, 12.5),
        model=ModelVersion(digest, "bracket", "3", "onnxruntime"),
        thresholds=Thresholds(fail=0.5, review=0.4, min_area_px=3),
        frame_hw=(480, 640),
        photo=Photo(data=data, media_type="image/jpeg"),
        threshold_version=2,
        image_score=0.25,
        regions=(REGION,),
        score=SCORE,
        latency_ms=40.0,
        quality=FrameQuality(brightness=0.4, focus=0.1),
        shadow=answer,
    )
    return replace(result, **changes)
