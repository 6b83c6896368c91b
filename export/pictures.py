"""The pictures and golden frames inside a bundle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from export.evidence import Evidence, Score, spread
from inspector.bundle import GoldenFrame
from inspector.dataset import Sample, read_frame
from inspector.postprocess import Thresholds, image_score, judge
from inspector.render import Tile, contact_sheet, encode_png, overlay

NUM_GOLDEN = 4
NUM_PREVIEW = 3


def golden_frames(evidence: Evidence, *, score: Score) -> list[GoldenFrame]:
    """Return about four frames with their scores: the highest and the lowest image scores of the evidence."""
    pairs = [GoldenFrame(frame, score(frame)) for frame in evidence.frames]
    ordered = sorted(pairs, key=lambda pair: image_score(pair.score))
    if len(ordered) <= NUM_GOLDEN:
        return ordered
    return ordered[: NUM_GOLDEN // 2] + ordered[-NUM_GOLDEN // 2 :]


def preview_png(
    good: Sequence[Sample], defects: Sequence[Sample], *, score: Score, thresholds: Thresholds
) -> bytes:
    """Return a sheet of parts as photographed, with their overlays below; defects first."""
    samples = [*spread(defects, NUM_PREVIEW - 1), *spread(good, NUM_PREVIEW)][:NUM_PREVIEW]
    frames = [read_frame(sample.path) for sample in samples]
    photographed = [Tile(frame, caption=sample.name) for sample, frame in zip(samples, frames, strict=True)]
    judged = [_overlay_tile(frame, score=score, thresholds=thresholds) for frame in frames]
    return encode_png(contact_sheet([*photographed, *judged], columns=len(samples)))


def _overlay_tile(frame: np.ndarray, *, score: Score, thresholds: Thresholds) -> Tile:
    scores = score(frame)
    judgement = judge(scores, thresholds)
    return Tile(
        overlay(frame, scores, judgement=judgement),
        caption=f"{judgement.verdict.value} {judgement.image_score:.3f}",
    )
