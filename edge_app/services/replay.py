"""What would have been: stored results judged again under other thresholds or by another model.

Other thresholds: the stored score maps are judged again, exactly, without inference.
Another model: the stored photos are scored again. A camera's photo is stored as JPEG, so its scores differ a
little from those of the frame that was inspected; a photo that was posted is the same to the byte.

Results stream from the store one at a time, so memory does not grow with their number.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterable, Iterator, Optional, Protocol, Tuple

import numpy as np

from edge_app.services.result import Outcome
from edge_app.services.serving import ServingModel, look
from edge_app.services.threshold_override import ThresholdOverride
from edge_app.store import StoredResult
from inspector.errors import ImageError
from inspector.image_file import decode_frame
from inspector.postprocess import Judgement, Thresholds, judge

MAX_PIXELS = 50_000_000


class StoredFiles(Protocol):
    """Where photos and score maps are; `edge_app.store.Store` is one."""

    def photo(self, result_id: str) -> Optional[Tuple[bytes, str]]:
        """Return a photo's file and media type, or None when there is none."""

    def score(self, result_id: str) -> Optional[np.ndarray]:
        """Return a score map, float32 (H, W), or None when there is none."""


# None: the file that is needed was not kept.
JudgeAgain = Callable[[StoredResult], Optional[Judgement]]


@dataclass(frozen=True)
class VerdictChange:
    """A result whose verdict would be another one. `created_ms`: when it was inspected, UTC."""

    id: str
    created_ms: int
    source: str
    lot: str
    before: Outcome
    after: Outcome
    score_before: Optional[float]
    score_after: float


@dataclass
class ReplayCounts:
    """How a replay goes, updated while it runs.

    num_skipped: without a verdict (NO_DECISION).  num_without_file: the map or photo was not kept or is lost.
    num_unreadable: a photo that cannot be decoded.  changed: how many went from one verdict to another.
    """

    num_seen: int = 0
    num_judged: int = 0
    num_skipped: int = 0
    num_without_file: int = 0
    num_unreadable: int = 0
    changed: Dict[Tuple[Outcome, Outcome], int] = field(default_factory=Counter)

    @property
    def num_changed(self) -> int:
        """How many verdicts would be others."""
        return sum(self.changed.values())


def under_thresholds(files: StoredFiles, override: ThresholdOverride) -> JudgeAgain:
    """Judge stored maps again with what `override` changes of each result's own thresholds.

    Raises:
        InputError: when a result comes whose thresholds the override contradicts.
    """

    def judge_again(result: StoredResult) -> Optional[Judgement]:
        score = files.score(result.id) if result.has_score else None
        if score is None:
            return None
        thresholds = override.apply(result.thresholds)
        layout = result.layout
        return judge(score, thresholds) if layout is None else layout.judge(score, thresholds)

    return judge_again


def by_model(
    files: StoredFiles, model: ServingModel, *, thresholds: Optional[Thresholds] = None
) -> JudgeAgain:
    """Score stored photos again with `model` and judge them by `thresholds`, or by the model's own."""
    limits = model.card.thresholds if thresholds is None else thresholds

    def judge_again(result: StoredResult) -> Optional[Judgement]:
        photo = files.photo(result.id) if result.has_photo else None
        if photo is None:
            return None
        frame = decode_frame(photo[0], max_pixels=MAX_PIXELS)
        return look(model, frame, thresholds=limits, view=result.view).judgement

    return judge_again


def replay(
    results: Iterable[StoredResult],
    judge_again: JudgeAgain,
    counts: ReplayCounts,
    *,
    give_way: Callable[[], bool] = lambda: True,
) -> Iterator[VerdictChange]:
    """Yield the results whose verdict changes, in the order in which they come.

    Args:
        counts: Kept up to date; after the last change it holds the totals.
        give_way: Called before each result: waits while live inspection needs the machine, and returns False
            to end the replay.
    """
    for result in results:
        if not give_way():
            return
        counts.num_seen += 1
        if result.outcome is Outcome.NO_DECISION:
            counts.num_skipped += 1
            continue
        try:
            judgement = judge_again(result)
        except ImageError:
            counts.num_unreadable += 1
            continue
        if judgement is None:
            counts.num_without_file += 1
            continue
        counts.num_judged += 1
        after = Outcome(judgement.verdict.value)
        if after is not result.outcome:
            counts.changed[result.outcome, after] += 1
            yield _change(result, after, judgement)


def _change(result: StoredResult, after: Outcome, judgement: Judgement) -> VerdictChange:
    return VerdictChange(
        id=result.id,
        created_ms=result.created_ms,
        source=result.origin.source,
        lot=result.origin.lot,
        before=result.outcome,
        after=after,
        score_before=result.image_score,
        score_after=judgement.image_score,
    )
