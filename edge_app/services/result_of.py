"""Puts a result together from what the network said, or from why it was not asked."""

from typing import Optional, Tuple

from edge_app.services.prepared import Prepared
from edge_app.services.result import ModelVersion, Outcome, Result
from edge_app.services.serving import Answer
from edge_app.services.shot import Shot
from inspector.postprocess import Thresholds
from inspector.view import lay_out


def judged(
    answer: Answer,
    *,
    shot: Shot,
    prepared: Prepared,
    model: ModelVersion,
    thresholds: Thresholds,
    threshold_version: Optional[int],
) -> Result:
    """Return the result of a photo that the network has seen."""
    judgement, frame_hw, input_hw = answer.judgement, prepared.frame_hw, prepared.input_hw
    if shot.view is None:
        regions = judgement.regions_in(frame_hw)
    else:
        regions = lay_out(shot.view, frame_hw, input_hw=input_hw).to_frame(judgement).regions
    return Result(
        id=shot.id,
        created_ms=shot.created_ms,
        created_s=shot.created_s,
        outcome=Outcome(judgement.verdict.value),
        origin=shot.origin,
        model=model,
        thresholds=thresholds,
        threshold_version=threshold_version,
        frame_hw=frame_hw,
        photo=shot.photo,
        image_score=judgement.image_score,
        regions=regions,
        score=answer.score,
        judgement=judgement,
        latency_ms=answer.latency_ms,
        quality=prepared.quality,
        view=shot.view,
        input_hw=input_hw,
    )


def undecided(
    *,
    reason: str,
    shot: Shot,
    frame_hw: Tuple[int, int],
    model: ModelVersion,
    thresholds: Thresholds,
    threshold_version: int,
) -> Result:
    """Return the result of a photo that cannot be trusted, so that no network was asked."""
    return Result(
        id=shot.id,
        created_ms=shot.created_ms,
        created_s=shot.created_s,
        outcome=Outcome.NO_DECISION,
        reason=reason,
        origin=shot.origin,
        model=model,
        thresholds=thresholds,
        threshold_version=threshold_version,
        frame_hw=frame_hw,
        photo=shot.photo,
    )
