"""Puts a result together from what the network said, or from why it was not asked."""

import secrets
import time
from typing import Optional, Tuple

from edge_app.services.prepared import Prepared
from edge_app.services.result import ModelVersion, Origin, Outcome, Photo, Result
from edge_app.services.serving import Answer
from inspector.postprocess import Thresholds
from inspector.view import View, lay_out


def judged(
    answer: Answer,
    *,
    prepared: Prepared,
    photo: Photo,
    origin: Origin,
    model: ModelVersion,
    thresholds: Thresholds,
    threshold_version: Optional[int],
    view: Optional[View],
) -> Result:
    """Return the result of a photo that the network has seen."""
    judgement, frame_hw, input_hw = answer.judgement, prepared.frame_hw, prepared.input_hw
    if view is None:
        regions = judgement.regions_in(frame_hw)
    else:
        regions = lay_out(view, frame_hw, input_hw=input_hw).to_frame(judgement).regions
    return Result(
        id=new_id(),
        created_ms=now_ms(),
        outcome=Outcome(judgement.verdict.value),
        origin=origin,
        model=model,
        thresholds=thresholds,
        threshold_version=threshold_version,
        frame_hw=frame_hw,
        photo=photo,
        image_score=judgement.image_score,
        regions=regions,
        score=answer.score,
        judgement=judgement,
        latency_ms=answer.latency_ms,
        quality=prepared.quality,
        view=view,
        input_hw=input_hw,
    )


def undecided(
    *,
    reason: str,
    frame_hw: Tuple[int, int],
    photo: Photo,
    origin: Origin,
    model: ModelVersion,
    thresholds: Thresholds,
    threshold_version: int,
) -> Result:
    """Return the result of a photo that cannot be trusted, so that no network was asked."""
    return Result(
        id=new_id(),
        created_ms=now_ms(),
        outcome=Outcome.NO_DECISION,
        reason=reason,
        origin=origin,
        model=model,
        thresholds=thresholds,
        threshold_version=threshold_version,
        frame_hw=frame_hw,
        photo=photo,
    )


def new_id() -> str:
    """Return 16 hexadecimal digits that nobody can guess."""
    return secrets.token_hex(8)


def now_ms() -> int:
    """Return the wall-clock time, milliseconds since 1970, UTC."""
    return int(time.time() * 1000)
