"""A bound on what was seen is never below the whole, and equals it at the end."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from inspector.streaming_metrics import ScoreHistogram
from search.autodd.fitness_bound import aupr_bound, auroc_bound


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels of 8 images, of a better or a worse detector; ties are frequent."""
    rng = np.random.default_rng(seed)
    label = rng.random((8, 40, 1)) < rng.random((8, 1, 1)) * 0.5
    score = np.round(1 / (1 + np.exp(-rng.normal(0, 1, label.shape) - rng.uniform(0, 4) * label)), 1)
    return score.astype(np.float32), label


@pytest.mark.parametrize("seed", range(20))
def test_bounds_fall_to_the_figure_and_are_never_below_it(seed: int) -> None:
    score, label = draw(seed)
    num_defective, num_good = int(label.sum()), int((~label).sum())
    histogram, aupr, auroc = ScoreHistogram(256), [], []
    for one_score, one_label in zip(score, label, strict=True):
        histogram.add(one_score, one_label)
        good, defective = histogram.from_the_top()
        unseen_defective = num_defective - histogram.num_defective
        unseen_good = num_good - histogram.num_good
        aupr.append(aupr_bound(good, defective, unseen_defective=unseen_defective))
        auroc.append(auroc_bound(good, defective, unseen_good=unseen_good, unseen_defective=unseen_defective))
    assert aupr[-1] == pytest.approx(histogram.aupr(), abs=1e-12)
    assert auroc[-1] == pytest.approx(histogram.auroc(), abs=1e-12)
    for bounds in (aupr, auroc):
        assert all(later <= earlier + 1e-12 for earlier, later in pairwise(bounds))
        assert bounds[0] > bounds[-1]


def test_a_bound_is_reached_when_the_unseen_pixels_are_ranked_perfectly() -> None:
    """So no smaller bound would be true."""
    score = np.array([[0.9, 0.6, 0.3, 0.5]], np.float32)
    label = np.array([[0, 1, 0, 1]])
    seen, whole = ScoreHistogram(256), ScoreHistogram(256)
    seen.add(score, label)
    whole.add(score, label)
    whole.add(np.array([[1.0, 1.0, 0.0]], np.float32), np.array([[1, 1, 0]]))
    good, defective = seen.from_the_top()
    assert aupr_bound(good, defective, unseen_defective=2) == pytest.approx(whole.aupr(), abs=1e-12)
    assert auroc_bound(good, defective, unseen_good=1, unseen_defective=2) == pytest.approx(
        whole.auroc(), abs=1e-12
    )
