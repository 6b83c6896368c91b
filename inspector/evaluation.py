"""Figures of a detector on a real test set: pixel, region, image, verdict and time.

Source: [D] Sec. 5.3 for the figures, DRAEM (ICCV 2021) for the image score.
Differs from the source: a resized mask counts a pixel as defective above one half of its area; "> 0"
(dilated) and "= 1" (eroded) stand beside it, because that choice alone moves AUPR.

Up to 50 million pixels the figures are exact; above, the pixels are counted in bins (`streaming_metrics`).
"""

import time
from dataclasses import asdict, dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from inspector.dataset import Sample, read_frame, read_mask
from inspector.errors import DatasetError, InspectorError
from inspector.metrics import aupr, auroc, pro
from inspector.postprocess import Thresholds, Verdict, image_score, judge
from inspector.preprocess import resize_mask
from inspector.streaming_metrics import ScoreHistogram

Predict = Callable[[np.ndarray], np.ndarray]  # frame -> score map (H, W) at network input size

MAX_EXACT_PIXELS = 50_000_000
WHOLE_AREA = 1 - 1e-6  # of a pixel that is all defective; the area average has rounding errors


@dataclass(frozen=True)
class Evaluation:
    """All figures; None where one does not exist, for example without defects. Shares are in 0..1.

    pixel_aupr_dilated, pixel_aupr_eroded: None at original resolution, where no mask is resized.
    per_defect: for each kind pixel_aupr, pixel_auroc, pro, image_auroc, image_ap, of it and all good ones.
    num_unmasked: defective images without a mask: in the image figures, not in the pixel figures.
    latency_ms_median: of the prediction alone, without reading the file.
    false_reject_rate: share of the good parts that FAIL. miss_rate: share of the defective ones that PASS.
    good_review_rate, defect_review_rate: share of each that a person has to look at.
    """

    num_good: int
    num_defect: int
    num_unmasked: int
    pixel_aupr: Optional[float]
    pixel_aupr_dilated: Optional[float]
    pixel_aupr_eroded: Optional[float]
    pixel_auroc: Optional[float]
    pro: Optional[float]
    image_auroc: Optional[float]
    image_ap: Optional[float]
    per_defect: Dict[str, Dict[str, Optional[float]]]
    latency_ms_median: float
    false_reject_rate: Optional[float]
    miss_rate: Optional[float]
    good_review_rate: Optional[float]
    defect_review_rate: Optional[float]
    pixel_metrics: str  # "exact" or "histogram"

    def as_dict(self) -> Dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


class _ExactPixels:
    """All scores and masks as they came; the same questions as `ScoreHistogram`, answered exactly."""

    def __init__(self) -> None:
        self._scores: List[np.ndarray] = []
        self._masks: List[np.ndarray] = []

    @property
    def num_defective(self) -> int:
        return sum(int(np.count_nonzero(mask)) for mask in self._masks)

    @property
    def num_good(self) -> int:
        return sum(mask.size for mask in self._masks) - self.num_defective

    def add(self, score: np.ndarray, mask: np.ndarray) -> None:
        self._scores.append(score)
        self._masks.append(mask)

    def merge(self, other: "_ExactPixels") -> None:
        self._scores += other._scores
        self._masks += other._masks

    def aupr(self) -> float:
        return aupr(*self._flat())

    def auroc(self) -> float:
        return auroc(*self._flat())

    def pro(self) -> float:
        return pro(self._scores, self._masks)

    def _flat(self) -> Tuple[np.ndarray, np.ndarray]:
        return (
            np.concatenate([score.ravel() for score in self._scores]),
            np.concatenate([mask.ravel() for mask in self._masks]),
        )


class _PixelBooks:
    """Pixels of all images by kind, and under the two other readings of resized masks."""

    def __init__(self, *, exact: bool, size_hw: Optional[Tuple[int, int]]) -> None:
        self.exact = exact
        self._size_hw = size_hw  # None: masks keep their own size
        self._by_kind: Dict[str, Any] = {}
        self._variants = {"dilated": self._new(), "eroded": self._new()} if size_hw else {}

    def add(self, kind: str, score: np.ndarray, mask: np.ndarray) -> None:
        """Enter a map with the mask as drawn."""
        book = self._by_kind.setdefault(kind, self._new())
        if self._size_hw is None:
            book.add(score, mask)
            return
        book.add(score, resize_mask(mask, size_hw=self._size_hw))
        height, width = self._size_hw
        share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        self._variants["dilated"].add(score, (share > 0).astype(np.uint8))
        self._variants["eroded"].add(score, (share >= WHOLE_AREA).astype(np.uint8))

    def figures(self, *kinds: str) -> Dict[str, Optional[float]]:
        """Return pixel_aupr, pixel_auroc and pro of these kinds together; of all where none is named."""
        book = self._new()
        for kind in kinds or tuple(self._by_kind):
            if kind in self._by_kind:
                book.merge(self._by_kind[kind])
        both = book.num_defective > 0 and book.num_good > 0
        return {
            "pixel_aupr": book.aupr() if book.num_defective else None,
            "pixel_auroc": book.auroc() if both else None,
            "pro": book.pro() if both else None,
        }

    def variant_aupr(self, name: str) -> Optional[float]:
        """Return the AUPR of `dilated` or `eroded` masks; None where masks are not resized."""
        book = self._variants.get(name)
        return book.aupr() if book is not None and book.num_defective else None

    def _new(self) -> Any:
        return _ExactPixels() if self.exact else ScoreHistogram(regions=True)


@dataclass(frozen=True)
class _Record:
    """What is kept of one image beside its pixels."""

    kind: str
    is_good: bool
    image_score: float
    verdict: Optional[Verdict]
    latency_ms: float


def evaluate(
    predict: Predict,
    samples: Sequence[Sample],
    *,
    size_hw: Tuple[int, int],
    thresholds: Optional[Thresholds] = None,
    original_resolution: bool = False,
    on_sample: Optional[Callable[[], None]] = None,
) -> Evaluation:
    """Run `predict` on every sample, one at a time, and return the figures.

    Args:
        size_hw: Network input size; masks are resized to it.
        thresholds: Also judge every sample and report the shares of verdicts.
        original_resolution: Enlarge score maps (bilinear) to the frame and compare with the mask as drawn.
        on_sample: Called after each sample, for a progress bar.

    Raises:
        DatasetError: no samples, or a mask that does not fit its image.
        ImageError: a file cannot be read.
        InspectorError: a score map is not of `size_hw`, or holds values that are not finite.
    """
    if not samples:
        raise DatasetError("there is nothing to evaluate: the test set has no images")
    records: List[_Record] = []
    books: Optional[_PixelBooks] = None
    for sample in samples:
        frame = read_frame(sample.path)
        score, latency_ms = _timed(predict, frame, size_hw)
        records.append(_record(sample, score, thresholds, latency_ms))
        if original_resolution:
            score = cv2.resize(score, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)
        if books is None:
            exact = score.size * len(samples) <= MAX_EXACT_PIXELS
            books = _PixelBooks(exact=exact, size_hw=None if original_resolution else size_hw)
        mask = _true_mask(sample, frame)
        if mask is not None:
            books.add(sample.kind, score, mask)
        if on_sample is not None:
            on_sample()
    assert books is not None
    return _evaluation(
        records, books, num_unmasked=sum(not s.is_good and s.mask_path is None for s in samples)
    )


def _timed(predict: Predict, frame: np.ndarray, size_hw: Tuple[int, int]) -> Tuple[np.ndarray, float]:
    start = time.perf_counter()
    score = predict(frame)
    latency_ms = 1000 * (time.perf_counter() - start)
    if score.shape != tuple(size_hw):
        raise InspectorError(
            f"the score map has the shape {score.shape}, but the network input is {tuple(size_hw)}"
        )
    return np.asarray(score, np.float32), latency_ms


def _record(
    sample: Sample, score: np.ndarray, thresholds: Optional[Thresholds], latency_ms: float
) -> _Record:
    if thresholds is None:
        return _Record(sample.kind, sample.is_good, image_score(score), None, latency_ms)
    judgement = judge(score, thresholds)
    return _Record(sample.kind, sample.is_good, judgement.image_score, judgement.verdict, latency_ms)


def _true_mask(sample: Sample, frame: np.ndarray) -> Optional[np.ndarray]:
    """Return the mask as drawn, all zeros for a good image, None for a defect that nobody has drawn."""
    height, width = frame.shape[:2]
    if sample.is_good:
        return np.zeros((height, width), np.uint8)
    if sample.mask_path is None:
        return None
    return read_mask(sample.mask_path, shape_hw=(height, width))


def _image_figures(records: Sequence[_Record]) -> Dict[str, Optional[float]]:
    score = np.array([record.image_score for record in records])
    label = np.array([not record.is_good for record in records])
    both = label.any() and not label.all()
    return {
        "image_auroc": auroc(score, label) if both else None,
        "image_ap": aupr(score, label) if label.any() else None,
    }


def _share(records: Sequence[_Record], verdict: Verdict) -> Optional[float]:
    """Return the share with this verdict; None where nothing was judged."""
    if not records or records[0].verdict is None:
        return None
    return sum(record.verdict is verdict for record in records) / len(records)


def _evaluation(records: Sequence[_Record], books: _PixelBooks, *, num_unmasked: int) -> Evaluation:
    good = [record for record in records if record.is_good]
    defective = [record for record in records if not record.is_good]
    good_kinds = {record.kind for record in good}
    per_defect = {}
    for kind in sorted({record.kind for record in defective}):
        of_kind = [record for record in defective if record.kind == kind]
        per_defect[kind] = {**books.figures(kind, *good_kinds), **_image_figures(good + of_kind)}
    return Evaluation(
        num_good=len(good),
        num_defect=len(defective),
        num_unmasked=num_unmasked,
        **books.figures(),
        pixel_aupr_dilated=books.variant_aupr("dilated"),
        pixel_aupr_eroded=books.variant_aupr("eroded"),
        **_image_figures(records),
        per_defect=per_defect,
        latency_ms_median=float(np.median([record.latency_ms for record in records])),
        false_reject_rate=_share(good, Verdict.FAIL),
        miss_rate=_share(defective, Verdict.PASS),
        good_review_rate=_share(good, Verdict.REVIEW),
        defect_review_rate=_share(defective, Verdict.REVIEW),
        pixel_metrics="exact" if books.exact else "histogram",
    )
