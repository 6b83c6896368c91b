"""Scores a view of a frame: the region of interest, in one piece or in tiles that are blended into one map.

The box of the view is resized once, so that a tile is the network's input as it is; one tile that covers
everything gives bit for bit what plain scoring of the box gives.

Differs from common practice: tiles are not averaged over their whole overlap. A tile has no say within a
quarter of the overlap from a seam, where it sees things cut off, so that a seam does not dim a defect.
"""

import time
from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

import numpy as np

from inspector.postprocess import Judgement, Thresholds
from inspector.preprocess import resize_frame
from inspector.view import PLAIN, Box, Layout, Tiles, View, lay_out

__all__ = [
    "PLAIN",
    "Box",
    "Layout",
    "ScoreFrame",
    "Tiles",
    "View",
    "ViewInspection",
    "inspect_view",
    "lay_out",
    "score_view",
]

ScoreFrame = Callable[[np.ndarray], np.ndarray]  # uint8 (h, w, 3) BGR -> float32 (H, W) at input size


def score_view(
    score_frame: ScoreFrame, frame: np.ndarray, view: Optional[View], *, input_hw: Tuple[int, int]
) -> Tuple[np.ndarray, Layout]:
    """Return the score map, float32, 0 where nothing counts, and how it lies on the frame.

    Args:
        score_frame: Scores one picture, for example `Runner.score`; called once a tile that counts.
        view: None for the whole frame in one piece.

    Raises:
        InputError: the view leaves nothing of this frame to inspect, or needs too many tiles.
    """
    view = PLAIN if view is None else view
    layout = lay_out(view, (int(frame.shape[0]), int(frame.shape[1])), input_hw=input_hw)
    picture = frame[layout.box.rows_columns]
    if layout.map_hw == input_hw:
        score = score_frame(picture)
    else:
        assert view.tiles is not None
        picture = resize_frame(np.ascontiguousarray(picture), size_hw=layout.map_hw)
        score = _blended(score_frame, picture, layout, view.tiles.overlap)
    return (score if layout.counts is None else score * layout.counts), layout


@dataclass(frozen=True)
class ViewInspection:
    """What the network says of a view: `score`, float32 (H, W), and `judgement` at the map's size.

    `layout.to_frame(judgement)` has the regions in pixels of the frame; `layout.score_on_frame(score)` is the
    map to draw over it.
    """

    judgement: Judgement
    score: np.ndarray
    latency_ms: float
    layout: Layout


def inspect_view(
    score_frame: ScoreFrame,
    frame: np.ndarray,
    view: Optional[View],
    *,
    thresholds: Thresholds,
    input_hw: Tuple[int, int],
) -> ViewInspection:
    """Score a view of a frame and judge it; arguments and errors as `score_view`."""
    start_s = time.perf_counter()
    score, layout = score_view(score_frame, frame, view, input_hw=input_hw)
    judgement = layout.judge(score, thresholds)
    return ViewInspection(judgement, score, (time.perf_counter() - start_s) * 1000, layout)


def tile_starts(length: int, side: int, overlap: float) -> List[int]:
    """Return where tiles begin that cover `length` evenly and overlap by at least `overlap` of `side`."""
    step = max(1, int(side * (1 - overlap)))
    num_gaps = -(-(length - side) // step)
    return [round(number * (length - side) / max(num_gaps, 1)) for number in range(num_gaps + 1)]


def blend_weights(starts: List[int], side: int, overlap: float) -> np.ndarray:
    """Return each tile's say along one axis, float32 (tiles, length): the column sums are 1.

    From a seam inwards it is 0 for a quarter of the overlap, then grows to 1 at three quarters; the picture's
    own ends are no seams.
    """
    length = starts[-1] + side
    margin = overlap * side / 4
    ramp = (np.arange(side) + 0.5 - margin) / max(2 * margin, 1.0)
    weights = np.zeros((len(starts), length))
    for number, start in enumerate(starts):
        from_left = np.ones(side) if start == 0 else ramp
        from_right = np.ones(side) if start + side == length else ramp[::-1]
        weights[number, start : start + side] = np.clip(np.minimum(from_left, from_right), 0, 1)
    return np.asarray(weights / weights.sum(axis=0), dtype=np.float32)


def _blended(score_frame: ScoreFrame, picture: np.ndarray, layout: Layout, overlap: float) -> np.ndarray:
    (height, width), (tile_height, tile_width) = layout.map_hw, layout.input_hw
    tops, lefts = tile_starts(height, tile_height, overlap), tile_starts(width, tile_width, overlap)
    down = blend_weights(tops, tile_height, overlap)
    across = blend_weights(lefts, tile_width, overlap)
    whole = np.zeros((height, width), np.float32)
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            here = Box(left, top, tile_width, tile_height).rows_columns
            if layout.counts is not None and not layout.counts[here].any():
                continue
            weight = down[row, here[0], np.newaxis] * across[column, np.newaxis, here[1]]
            whole[here] += weight * score_frame(picture[here])
    return np.clip(whole, 0.0, 1.0)
