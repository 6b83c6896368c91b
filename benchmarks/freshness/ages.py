"""What fresh means: no frame waits for longer than one frame interval and one inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Inspected:
    """One frame. age_ms: since its exposure, when inference began.  inference_ms: what that then took."""

    age_ms: float
    inference_ms: float

    @property
    def age_at_verdict_ms(self) -> float:
        return self.age_ms + self.inference_ms


@dataclass(frozen=True)
class Freshness:
    """num_too_old: verdicts on frames older than the limit.  waited: began later than one interval."""

    num_frames: int
    limit_ms: float
    num_too_old: int
    num_waited: int
    worst_share: float
    age_ms_p50: float
    age_ms_max: float
    verdict_ms_p50: float
    verdict_ms_max: float


def freshness(frames: Sequence[Inspected], *, interval_ms: float) -> Freshness:
    """Hold the age of every frame at its verdict against one interval plus its own inference.

    `worst_share` is the largest age at a verdict, divided by that frame's limit.

    Raises:
        ValueError: there are no frames.
    """
    if not frames:
        raise ValueError("no frame was inspected: nothing is compared")
    shares = [one.age_at_verdict_ms / (interval_ms + one.inference_ms) for one in frames]
    return Freshness(
        num_frames=len(frames),
        limit_ms=interval_ms + float(np.median([one.inference_ms for one in frames])),
        num_too_old=sum(share > 1 for share in shares),
        num_waited=sum(one.age_ms > interval_ms for one in frames),
        worst_share=max(shares),
        age_ms_p50=float(np.median([one.age_ms for one in frames])),
        age_ms_max=max(one.age_ms for one in frames),
        verdict_ms_p50=float(np.median([one.age_at_verdict_ms for one in frames])),
        verdict_ms_max=max(one.age_at_verdict_ms for one in frames),
    )
