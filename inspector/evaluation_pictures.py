"""What an evaluation shows beside its figures: precision-recall curve, score histogram, contact sheet."""

from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from inspector.dataset import Sample, read_frame, read_mask
from inspector.output_file import write_file
from inspector.plots import pr_curve, pr_plot, score_plot
from inspector.postprocess import image_score
from inspector.preprocess import resize_mask
from inspector.render import Tile, contact_sheet, encode_png, overlay
from inspector.runtime import Runner

NUM_DEFECT_TILES = 12
NUM_GOOD_TILES = 4
_NUM_BINS = 4096
_FARTHEST_LOGIT = 16.0


class ScoreLog:
    """Stands between `evaluate` and the runner and remembers, in bounded memory, what the pictures need.

    Give `predict` and `on_sample` to `evaluate`; the samples must be the same, in the same order.
    """

    def __init__(self, runner: Runner, samples: Sequence[Sample]) -> None:
        self._runner = runner
        self._samples = samples
        self._last: Optional[np.ndarray] = None
        self.image_scores: List[float] = []
        self._num_good = np.zeros(_NUM_BINS, np.int64)
        self._num_defective = np.zeros(_NUM_BINS, np.int64)

    def predict(self, frame: np.ndarray) -> np.ndarray:
        """Score a frame as the runner does, float32 (H, W)."""
        self._last = self._runner.score(frame)
        return self._last

    def on_sample(self) -> None:
        """Count the score map that was predicted last, which belongs to the next sample."""
        assert self._last is not None
        sample, score = self._samples[len(self.image_scores)], self._last
        self.image_scores.append(image_score(score))
        mask = _mask_at_input_size(sample, score)
        if mask is None:
            return
        bins = _bins(score)
        self._num_defective += np.bincount(bins[mask == 1], minlength=_NUM_BINS)
        self._num_good += np.bincount(bins[mask == 0], minlength=_NUM_BINS)

    @property
    def has_defects(self) -> bool:
        """Whether a defective pixel was counted, without which there is no curve."""
        return bool(self._num_defective.any())

    def write_pictures(self, folder: Path) -> List[Path]:
        """Write the pictures into `folder` and return their paths."""
        thresholds = self._runner.bundle.thresholds
        by_kind: Dict[bool, List[float]] = {True: [], False: []}
        for sample, score in zip(self._samples, self.image_scores):
            by_kind[sample.is_good].append(score)
        pictures: List[Tuple[str, np.ndarray]] = [
            (
                "scores.png",
                score_plot(by_kind[True], by_kind[False], fail=thresholds.fail, review=thresholds.review),
            ),
            ("contact_sheet.png", self._contact_sheet()),
        ]
        if self.has_defects:
            recall, precision = pr_curve(self._num_good, self._num_defective)
            prior = self._num_defective.sum() / (self._num_defective.sum() + self._num_good.sum())
            pictures.append(("pr_curve.png", pr_plot(recall, precision, prior=float(prior))))
        return [write_file(folder / name, encode_png(frame)) for name, frame in pictures]

    def _contact_sheet(self) -> np.ndarray:
        """Overlays of defects from the lowest image score up, then of the good parts with the highest."""
        ranked = sorted(zip(self.image_scores, range(len(self._samples))))
        defects = [index for _, index in ranked if not self._samples[index].is_good]
        good = [index for _, index in reversed(ranked) if self._samples[index].is_good]
        chosen = _spread(defects, NUM_DEFECT_TILES) + good[:NUM_GOOD_TILES]
        tiles = [self._tile(self._samples[index]) for index in chosen]
        return contact_sheet(tiles, columns=min(4, len(tiles)))

    def _tile(self, sample: Sample) -> Tile:
        frame = read_frame(sample.path)
        inspection = self._runner.inspect(frame)
        judgement = inspection.judgement
        mask = None
        if sample.mask_path is not None:
            mask = read_mask(sample.mask_path, shape_hw=(frame.shape[0], frame.shape[1]))
        return Tile(
            overlay(frame, inspection.score, judgement=judgement),
            caption=f"{judgement.image_score:.2f} {sample.kind} {Path(sample.name).stem}",
            mask=mask,
        )


def _mask_at_input_size(sample: Sample, score: np.ndarray) -> Optional[np.ndarray]:
    if sample.is_good:
        return np.zeros(score.shape, np.uint8)
    if sample.mask_path is None:
        return None
    height, width = read_frame(sample.path).shape[:2]
    mask = read_mask(sample.mask_path, shape_hw=(height, width))
    return resize_mask(mask, size_hw=(score.shape[0], score.shape[1]))


def _bins(score: np.ndarray) -> np.ndarray:
    """Map scores to bins that are even in the logit, which also tells scores near 0 and 1 apart."""
    clipped = np.clip(score.astype(np.float64), 1e-12, 1 - 1e-12)
    place = (np.log(clipped / (1 - clipped)) / _FARTHEST_LOGIT + 1) / 2
    return np.clip(np.floor(place * _NUM_BINS), 0, _NUM_BINS - 1).astype(np.int64)


def _spread(indices: List[int], count: int) -> List[int]:
    if len(indices) <= count:
        return indices
    return [indices[round(step * (len(indices) - 1) / (count - 1))] for step in range(count)]
