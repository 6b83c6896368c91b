import pickle

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.metrics import aupr, auroc, pro
from inspector.streaming_metrics import ScoreHistogram

CLOSE = 1e-3
SHAPE = (6, 64, 64)


def sigmoid(logit):
    return (1 / (1 + np.exp(-logit.astype(np.float64)))).astype(np.float32)


def draw(kind, seed=0):
    """Return float32 scores and masks with blocks of defects."""
    rng = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, np.uint8)
    for one in mask:
        for _ in range(3):
            y, x = rng.integers(0, 54, 2)
            one[y : y + rng.integers(1, 10), x : x + rng.integers(1, 10)] = 1
    logit = rng.normal(size=SHAPE) + 2 * mask
    shapes = {
        "spread": sigmoid(logit),
        "nearly all below 0.001": sigmoid(1.5 * logit - 12),
        "all below 1e-6": sigmoid(logit - 20),
        "far below float16": sigmoid(logit - 60),
        "nearly all above 0.999": sigmoid(logit + 9),
        "saturated at 1": sigmoid(3 * logit + 14),
        "saturated at 0 and 1": np.clip(logit, 0, 1).astype(np.float32),
        "256 levels": np.round(sigmoid(logit) * 255).astype(np.float32) / 255,
        "one octave": (0.25 + 0.25 * sigmoid(logit)).astype(np.float32),
        "around one half": (0.5 + 0.01 * logit).astype(np.float32),
        "good and bad far apart": sigmoid(20 * (logit - 2)),
        "no better than chance": rng.random(SHAPE).astype(np.float32),
        "worse than chance": sigmoid(-logit),
    }
    return shapes[kind], mask


KINDS = (
    "spread",
    "nearly all below 0.001",
    "all below 1e-6",
    "far below float16",
    "nearly all above 0.999",
    "saturated at 1",
    "saturated at 0 and 1",
    "256 levels",
    "one octave",
    "around one half",
    "good and bad far apart",
    "no better than chance",
    "worse than chance",
)


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_within_a_thousandth_of_the_exact_ones(kind):
    score, mask = draw(kind)
    histogram = ScoreHistogram(regions=True)
    histogram.add(score, mask)
    assert histogram.aupr() == pytest.approx(aupr(score, mask), abs=CLOSE)
    assert histogram.auroc() == pytest.approx(auroc(score, mask), abs=CLOSE)
    assert histogram.pro() == pytest.approx(pro(score, mask), abs=CLOSE)


def test_levels_far_apart_are_exact():
    score, mask = draw("256 levels")
    histogram = ScoreHistogram()
    histogram.add(score, mask)
    assert histogram.aupr() == pytest.approx(aupr(score, mask), abs=1e-12)
    assert histogram.auroc() == pytest.approx(auroc(score, mask), abs=1e-12)


def test_the_order_of_scores_is_the_order_of_bins():
    score = np.array([0.0, 1e-38, 1e-6, 0.3, 0.4999, 0.5, 0.5001, 0.75, 1 - 1e-6, 1.0], np.float32)
    for split in range(1, len(score)):
        histogram = ScoreHistogram()
        histogram.add(score, (np.arange(len(score)) >= split).astype(np.uint8))
        assert histogram.auroc() == 1.0, split


def test_zero_is_the_same_whatever_its_sign():
    histogram = ScoreHistogram()
    histogram.add(np.array([0.0, -0.0], np.float32), np.array([1, 0]))
    assert histogram.auroc() == 0.5


def test_batches_merged_and_pickled_are_one():
    score, mask = draw("spread")
    whole, parts = ScoreHistogram(regions=True), ScoreHistogram(regions=True)
    whole.add(score, mask)
    for one_score, one_mask in zip(score, mask, strict=False):
        part = ScoreHistogram(regions=True)
        part.add(one_score, one_mask)
        parts.merge(pickle.loads(pickle.dumps(part)))
    assert (parts.num_good, parts.num_defective) == (whole.num_good, whole.num_defective)
    assert parts.num_defective == mask.sum()
    assert (parts.aupr(), parts.auroc()) == (whole.aupr(), whole.auroc())
    assert parts.pro() == pytest.approx(whole.pro(), abs=1e-12)


def test_more_pixels_than_a_block_are_all_counted():
    score = np.linspace(0, 1, 100_001, dtype=np.float32)
    histogram = ScoreHistogram()
    histogram.add(score, score > 0.75)
    assert (histogram.num_good, histogram.num_defective) == (75_001, 25_000)
    assert histogram.aupr() == pytest.approx(1.0, abs=CLOSE)


@pytest.mark.parametrize("bad", [np.nan, -1e-6, 1.001, np.inf])
def test_a_score_that_is_no_probability_is_refused_and_nothing_counted(bad):
    histogram = ScoreHistogram()
    with pytest.raises(InputError, match="must be numbers from 0 to 1"):
        histogram.add(np.array([0.5, bad], np.float32), np.array([0, 1]))
    assert histogram.num_good + histogram.num_defective == 0


def test_what_does_not_fit_is_refused():
    histogram = ScoreHistogram()
    with pytest.raises(InputError, match="a power of two"):
        ScoreHistogram(1000)
    with pytest.raises(InputError, match="a power of two"):
        ScoreHistogram(0)
    with pytest.raises(InputError, match="shape"):
        histogram.add(np.zeros((2, 2)), np.zeros(4))
    with pytest.raises(InputError, match="cannot be merged"):
        histogram.merge(ScoreHistogram(512))
    with pytest.raises(InputError, match="cannot be merged"):
        histogram.merge(ScoreHistogram(regions=True))


def test_a_missing_class_has_no_figure():
    histogram = ScoreHistogram(regions=True)
    histogram.add(np.zeros((0, 4)), np.zeros((0, 4)))
    histogram.add(np.full((4, 4), 0.5), np.zeros((4, 4)))
    with pytest.raises(InputError, match="AUPR needs at least one defective pixel"):
        histogram.aupr()
    with pytest.raises(
        InputError, match="AUROC needs good and defective pixels, but there are 16 good and 0"
    ):
        histogram.auroc()
    with pytest.raises(InputError, match="PRO needs good and defective pixels"):
        histogram.pro()
    with pytest.raises(InputError, match="regions=True"):
        ScoreHistogram().pro()
    with pytest.raises(InputError, match="max_fpr is 2"):
        histogram.pro(max_fpr=2)
