"""A result as a row, and back."""

import json
from typing import Any, List, Optional, Sequence, Tuple

from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, Result, ShadowAnswer
from edge_app.store.records import OperatorDecision, StoredResult
from inspector.postprocess import Region, Thresholds
from inspector.view import View

PHOTO_LOST, SCORE_LOST = 1, 2  # bits of results.lost
MARK_LOST = "UPDATE results SET lost = lost | ? WHERE seq = ?"

# What `result_of` takes, in its order.
COLUMNS = (
    "r.seq, r.id, r.created_ms, r.image_score, r.photo_bytes, r.score_bytes, r.lost, r.media_type, r.detail, "
    "g.source, g.lot, g.model_digest, g.outcome"
)


def detail_of(result: Result) -> str:
    """Return as JSON what no query asks for."""
    origin, quality, shadow = result.origin, result.quality, result.shadow
    thresholds = result.thresholds
    detail = {
        "reason": result.reason,
        "regions": [_region_list(region) for region in result.regions],
        "frame_hw": list(result.frame_hw),
        "origin": [origin.trigger, origin.captured_ms, origin.frame_age_ms],
        "model": [result.model.name, result.model.version, result.model.runner],
        "thresholds": [thresholds.fail, thresholds.review, thresholds.min_area_px],
        "threshold_version": result.threshold_version,
        "latency_ms": result.latency_ms,
        "quality": None if quality is None else [quality.brightness, quality.focus],
        "shadow": None if shadow is None else _shadow_list(shadow),
        "view": None if result.view is None else result.view.as_record(),
        "input_hw": None if result.input_hw is None else list(result.input_hw),
    }
    return json.dumps(detail, separators=(",", ":"))


def with_shadow(detail: str, shadow: ShadowAnswer) -> str:
    """Return the JSON of a row with what the shadow model said later."""
    return json.dumps({**json.loads(detail), "shadow": _shadow_list(shadow)}, separators=(",", ":"))


def disagrees(result: Result) -> bool:
    """Say whether the shadow model had another outcome."""
    return result.shadow is not None and result.shadow.outcome is not result.outcome


def result_of(row: Sequence[Any], decision: Optional[OperatorDecision]) -> StoredResult:
    """Return the result of a row of `COLUMNS`."""
    (seq, result_id, created_ms, image_score, photo_bytes, score_bytes, lost, media_type, text, *group) = row
    source, lot, digest, outcome = group
    detail = json.loads(text)
    trigger, captured_ms, frame_age_ms = detail["origin"]
    quality, shadow = detail["quality"], detail["shadow"]
    view, input_hw = detail["view"], detail["input_hw"]
    return StoredResult(
        id=result_id,
        seq=seq,
        created_ms=created_ms,
        outcome=Outcome(outcome),
        reason=detail["reason"],
        image_score=image_score,
        regions=tuple(_region(values) for values in detail["regions"]),
        frame_hw=(detail["frame_hw"][0], detail["frame_hw"][1]),
        origin=Origin(source, trigger, lot, captured_ms, frame_age_ms),
        model=ModelVersion(digest, *detail["model"]),
        thresholds=Thresholds(*detail["thresholds"]),
        threshold_version=detail["threshold_version"],
        latency_ms=detail["latency_ms"],
        quality=None if quality is None else FrameQuality(*quality),
        shadow=None if shadow is None else _shadow(shadow),
        media_type=media_type,
        has_photo=photo_bytes > 0 and not lost & PHOTO_LOST,
        has_score=score_bytes > 0 and not lost & SCORE_LOST,
        decision=decision,
        view=None if view is None else View.of_record(view),
        input_hw=None if input_hw is None else (input_hw[0], input_hw[1]),
    )


def _region_list(region: Region) -> List[Any]:
    box = [region.x, region.y, region.width, region.height, region.area_px]
    contour = [coordinate for point in region.contour for coordinate in point]
    return [*box, region.mean_score, region.peak_score, contour]


def _region(values: Sequence[Any]) -> Region:
    x, y, width, height, area_px, mean_score, peak_score, flat = values
    contour: Tuple[Tuple[int, int], ...] = tuple(zip(flat[::2], flat[1::2]))
    return Region(contour, x, y, width, height, area_px, mean_score, peak_score)


def _shadow_list(shadow: ShadowAnswer) -> List[Any]:
    model = shadow.model
    return [[model.digest, model.name, model.version, model.runner], shadow.outcome.value, shadow.image_score]


def _shadow(values: Sequence[Any]) -> ShadowAnswer:
    model, outcome, image_score = values
    return ShadowAnswer(ModelVersion(*model), Outcome(outcome), image_score)
