"""The images on which an exported network proves itself: real ones, and drawn defects where those lack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from export.parity import MIN_IMAGES
from inspector.dataset import Sample, read_frame
from inspector.postprocess import Thresholds, smooth
from inspector.preprocess import resize_frame

MAX_IMAGES = 32
NUM_DRAWN = 8

Score = Callable[[np.ndarray], np.ndarray]  # frame -> score map (H, W)


@dataclass(frozen=True)
class Evidence:
    """Frames at network input size, uint8 (H, W, 3) BGR; the last `num_damaged` have a drawn defect."""

    frames: tuple[np.ndarray, ...]
    num_damaged: int

    @property
    def num_real(self) -> int:
        return len(self.frames) - self.num_damaged


def gather(
    good: Sequence[Sample],
    defects: Sequence[Sample],
    *,
    size_hw: tuple[int, int],
    score: Score,
    thresholds: Thresholds,
) -> Evidence:
    """Choose up to 32 real images, half of them defects where there are as many.

    Where no defect is above the fail threshold, copies of good images with a drawn one are added.
    """
    chosen_defects = spread(defects, max(MAX_IMAGES // 2, MAX_IMAGES - len(good)))
    chosen_good = spread(good, MAX_IMAGES - len(chosen_defects))
    good_frames = [resize_frame(read_frame(sample.path), size_hw=size_hw) for sample in chosen_good]
    defect_frames = [resize_frame(read_frame(sample.path), size_hw=size_hw) for sample in chosen_defects]
    real = (*good_frames, *defect_frames)
    if any((smooth(score(frame)) > thresholds.fail).any() for frame in defect_frames):
        return Evidence(real, num_damaged=0)
    drawn = [draw_defect(frame, seed=number) for number, frame in enumerate(real[:NUM_DRAWN])]
    return Evidence((*real, *drawn), num_damaged=len(drawn))


def enough_good(calibration: Sequence[Sample], others: Sequence[Sample]) -> list[Sample]:
    """Return the calibration images, and others behind them where they are fewer than parity wants."""
    known = {sample.name for sample in calibration}
    more = [sample for sample in others if sample.name not in known]
    return [*calibration, *spread(more, max(0, MIN_IMAGES - len(calibration)))]


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Return `count` samples, or all, evenly spread over the sequence."""
    if len(samples) <= count:
        return list(samples)
    return [samples[int((number + 0.5) * len(samples) / count)] for number in range(count)]


def draw_defect(frame: np.ndarray, *, seed: int) -> np.ndarray:
    """Return a copy of the frame with an inverted, noisy patch over about a tenth of it."""
    rng = np.random.default_rng(seed)
    height, width = frame.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    centre = (int(rng.uniform(0.25, 0.75) * width), int(rng.uniform(0.25, 0.75) * height))
    axes = (max(2, int(0.18 * width)), max(2, int(0.18 * height)))
    cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, cv2.FILLED)
    noise = rng.integers(0, 256, frame.shape, dtype=np.uint8)
    return np.where(mask[..., np.newaxis] == 1, (255 - frame) // 2 + noise // 2, frame).astype(np.uint8)
