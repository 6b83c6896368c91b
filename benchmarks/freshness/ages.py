"""What fresh means: a frame that is inspected is no older than one frame interval and one inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Inspected:
    """One frame. age_ms: since its exposure, when inference began.  inference_ms: what that then took."""

    age_ms: float
    inference_ms: float


@dataclass(frozen=True)
class Freshness:
    """Ages are those when inference began.

    limit_ms: one interval plus the median inference.  num_too_old: frames that were older.
    num_over_interval: older than one interval, so that at their verdict they were older than one interval
    plus their own inference; what the camera's process takes to hand a frame over makes some.
    """

    num_frames: int
    limit_ms: float
    num_too_old: int
    num_over_interval: int
    age_ms_p50: float
    age_ms_p99: float
    age_ms_max: float
    inference_ms_p50: float


def freshness(frames: Sequence[Inspected], *, interval_ms: float) -> Freshness:
    """Hold the age of every frame against the limit.

    Raises:
        ValueError: there are no frames.
    """
    if not frames:
        raise ValueError("no frame was inspected: nothing is compared")
    ages_ms = np.array([one.age_ms for one in frames])
    inference_ms = float(np.median([one.inference_ms for one in frames]))
    limit_ms = interval_ms + inference_ms
    return Freshness(
        num_frames=len(frames),
        limit_ms=limit_ms,
        num_too_old=int(np.sum(ages_ms > limit_ms)),
        num_over_interval=int(np.sum(ages_ms > interval_ms)),
        age_ms_p50=float(np.median(ages_ms)),
        age_ms_p99=float(np.quantile(ages_ms, 0.99)),
        age_ms_max=float(ages_ms.max()),
        inference_ms_p50=inference_ms,
    )
