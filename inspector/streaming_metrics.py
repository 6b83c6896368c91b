"""AUPR, AUROC and PRO in bounded memory: pixels are counted in bins and then forgotten.

Differs from the usual histogram: the bins are not equal steps in 0..1. A detector of rare pixels may put
nearly everything below 0.001, or near 1, where such bins would see nothing. Here a bin is a step in the
exponent and the leading mantissa bits of the score (below one half) or of 1 - score (from there up): 1024 an
octave, and 17 times as many from 1/64 to 63/64. So a bin spans less than 0.1 % of the smaller of score and
1 - score, and nowhere more than 0.00002. 0 and 1 have bins of their own.

Error: scores in one bin count as equal. So AUROC is off by at most half the sum over the bins of (share of
the defective pixels) * (share of the good ones), and AUPR by about half the sum of (step of recall) * (change
of precision): below 0.001 unless a hundredth of all pixels meets in one bin with unequal scores. Scores that
are equal to begin with (a saturated or quantised output) cost nothing.
"""

import math
from typing import Optional, Tuple

import numpy as np

from inspector.errors import InputError
from inspector.metrics import region_weights, truncated_area

MANTISSA_BITS = 23  # of an IEEE float32
FINER_BITS = 4  # 16 more bins for each one in the octaves around one half
HALF, FINE_FROM = (int(np.float32(value).view(np.int32)) for value in (0.5, 1 / 64))  # as bit patterns
BLOCK_PX = 1 << 15


class ScoreHistogram:
    """Counts good and defective pixels by score.

    Args:
        bins_per_octave: A power of two up to 2^19; memory is about 7 kB times this (10 kB with `regions`).
        regions: Also keep what PRO needs: each defective pixel's share of its region. Costs a pass over every
            mask.
    """

    def __init__(self, bins_per_octave: int = 1024, *, regions: bool = False) -> None:
        mantissa_bits = int(math.log2(max(bins_per_octave, 1)))
        if bins_per_octave != 2**mantissa_bits or mantissa_bits > MANTISSA_BITS - FINER_BITS:
            raise InputError(
                f"bins_per_octave is {bins_per_octave}; it must be a power of two from 1 to 2^19"
            )
        self.bins_per_octave = bins_per_octave
        self._shift = MANTISSA_BITS - mantissa_bits
        # The bin of 0.5; the bins of 1 - score, from 0.5 up, follow in a second half.
        self._half = (HALF >> self._shift) + ((HALF - FINE_FROM) >> (self._shift - FINER_BITS))
        num_bins = 2 * (self._half + 1)
        self._num_good = np.zeros(num_bins, np.int64)
        self._num_defective = np.zeros(num_bins, np.int64)
        self._overlap: Optional[np.ndarray] = np.zeros(num_bins) if regions else None

    def add(self, score: np.ndarray, mask: np.ndarray) -> None:
        """Count the pixels of one map (H, W) or of a batch (B, H, W); other than 0 in `mask` is defective.

        Raises:
            InputError: shapes differ, or a score is NaN or outside 0..1; nothing is counted then.
        """
        score, mask = np.asarray(score, np.float32), np.asarray(mask)
        if score.shape != mask.shape:
            raise InputError(f"scores have the shape {score.shape} but the mask {mask.shape}")
        if score.size == 0:
            return
        if not (score.min() >= 0 and score.max() <= 1):  # false for NaN, too
            raise InputError(
                f"scores range from {score.min()} to {score.max()}; they must be numbers from 0 to 1"
            )
        bins, defective = self._bins(score), np.flatnonzero(mask != 0)
        num_bins, defective_bins = self._num_good.size, bins[defective]
        num_defective = np.bincount(defective_bins, minlength=num_bins)
        self._num_defective += num_defective
        self._num_good += np.bincount(bins, minlength=num_bins)
        self._num_good -= num_defective
        if self._overlap is not None:
            weight = np.stack([region_weights(one) for one in mask.reshape((-1, *mask.shape[-2:]))]).ravel()
            self._overlap += np.bincount(defective_bins, weight[defective], minlength=num_bins)

    def merge(self, other: "ScoreHistogram") -> None:
        """Add what another histogram has counted, as if this one had seen its pixels too.

        Raises:
            InputError: the two have other bins, or only one of them keeps regions.
        """
        if self.bins_per_octave != other.bins_per_octave or (self._overlap is None) != (
            other._overlap is None
        ):
            raise InputError(
                f"histograms of {self.bins_per_octave} and {other.bins_per_octave} bins an octave, or with "
                "and without regions, cannot be merged; make both in the same way"
            )
        self._num_good += other._num_good
        self._num_defective += other._num_defective
        if self._overlap is not None and other._overlap is not None:
            self._overlap += other._overlap

    @property
    def num_good(self) -> int:
        """Good pixels counted so far."""
        return int(self._num_good.sum())

    @property
    def num_defective(self) -> int:
        """Defective pixels counted so far."""
        return int(self._num_defective.sum())

    def aupr(self) -> float:
        """Return what `metrics.aupr` gives, within the error above; the same InputError."""
        good, defective = self.from_the_top()
        if self.num_defective == 0:
            raise InputError("AUPR needs at least one defective pixel, but all of them are good; add defects")
        num_true, num_false = np.cumsum(defective), np.cumsum(good)
        precision = num_true / np.maximum(num_true + num_false, 1)
        return float(np.sum(defective * precision) / num_true[-1])

    def auroc(self) -> float:
        """Return what `metrics.auroc` gives, within the error above; the same InputError."""
        good, defective = self.from_the_top()
        self._need_both("AUROC")
        num_good_below = self.num_good - np.cumsum(good)
        return float(np.sum(defective * (num_good_below + 0.5 * good)) / (self.num_good * self.num_defective))

    def pro(self, *, max_fpr: float = 0.3) -> float:
        """Return what `metrics.pro` gives, nearly; the same InputError, also if made without `regions`."""
        if self._overlap is None:
            raise InputError("this histogram keeps no regions; make it with regions=True to get PRO")
        if not 0 < max_fpr <= 1:
            raise InputError(f"max_fpr is {max_fpr}; it must be above 0 and at most 1")
        self._need_both("PRO")
        good, _ = self.from_the_top()
        step = self._descending(self._overlap) / self._overlap.sum()
        overlap = np.cumsum(step)
        return truncated_area(
            good / self.num_good, overlap_above=overlap - step, overlap_from=overlap, max_fpr=max_fpr
        )

    def _need_both(self, figure: str) -> None:
        if self.num_good == 0 or self.num_defective == 0:
            raise InputError(
                f"{figure} needs good and defective pixels, but there are {self.num_good} good and "
                f"{self.num_defective} defective ones"
            )

    def from_the_top(self) -> Tuple[np.ndarray, np.ndarray]:
        """Return how many good and how many defective pixels each bin holds, from score 1 down to 0."""
        return self._descending(self._num_good), self._descending(self._num_defective)

    def _descending(self, counts: np.ndarray) -> np.ndarray:
        """Return the bins from score 1 down to 0."""
        return np.concatenate([counts[self._half + 1 :], counts[self._half :: -1]])

    def _bins(self, score: np.ndarray) -> np.ndarray:
        """Return the bin of each score, flat. Floats sort like their bits, so a bin holds neighbours only."""
        flat = score.ravel()
        bins = np.empty(flat.size, np.intp)
        for start in range(0, flat.size, BLOCK_PX):  # in blocks that stay in the processor's cache
            block = flat[start : start + BLOCK_PX]
            distance = np.minimum(block, 1 - block)  # to the nearer end; 1 - score is exact from 0.5 up
            np.abs(distance, out=distance)  # -0.0 has another bit pattern than 0.0
            bits = distance.view(np.int32)
            block_bins = np.multiply(block >= 0.5, self._half + 1, dtype=np.int32)
            block_bins += np.maximum(bits - FINE_FROM, 0) >> (self._shift - FINER_BITS)
            np.add(block_bins, bits >> self._shift, out=bins[start : start + BLOCK_PX])
        return bins
