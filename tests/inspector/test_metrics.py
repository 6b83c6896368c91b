import itertools

import cv2
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from inspector.errors import InputError
from inspector.metrics import aupr, auroc, pro, region_weights

EXACT = 1e-12


def draw(kind, *, size=20_000, seed=0):
    """Return scores and labels of 3 % defective pixels."""
    rng = np.random.default_rng(seed)
    label = (rng.random(size) < 0.03).astype(np.uint8)
    score = rng.random(size).astype(np.float32)
    score = np.where(label, score**0.5, score)
    shapes = {
        "continuous": score,
        "double precision": score.astype(np.float64) + 1e-12 * rng.random(size),
        "ten levels": np.round(score * 10) / 10,
        "two levels": np.round(score),
        "all equal": np.full(size, 0.25, np.float32),
        "tiny": (score**30).astype(np.float32),
        "saturated": np.minimum(score * 1.5, 1).astype(np.float32),
        "negative": score - 2,
        "perfect": score * 0.4 + 0.5 * label,
        "reversed": 1 - score,
    }
    return shapes[kind], label


KINDS = (
    "continuous",
    "double precision",
    "ten levels",
    "two levels",
    "all equal",
    "tiny",
    "saturated",
    "negative",
    "perfect",
    "reversed",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_figures_are_those_of_scikit_learn(kind, seed):
    score, label = draw(kind, seed=seed)
    assert aupr(score, label) == pytest.approx(average_precision_score(label, score), abs=EXACT)
    assert auroc(score, label) == pytest.approx(roc_auc_score(label, score), abs=EXACT)


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_few_pixels_agree_too(size):
    rng = np.random.default_rng(size)
    for _ in range(30):
        score = rng.integers(0, 4, size) / 4
        label = rng.integers(0, 2, size)
        label[:2] = (0, 1)
        assert aupr(score, label) == pytest.approx(average_precision_score(label, score), abs=EXACT)
        assert auroc(score, label) == pytest.approx(roc_auc_score(label, score), abs=EXACT)


def test_arguments_keep_their_values_and_may_have_any_shape():
    score, label = draw("continuous")
    before = score.copy()
    assert aupr(score.reshape(100, 200), label.reshape(100, 200)) == aupr(score, label > 0)
    np.testing.assert_array_equal(score, before)


def test_counts_of_many_pixels_do_not_overflow():
    # 2 * 10^5 * 2 * 10^5 pairs are more than 32 bits can count.
    label = np.arange(400_000) % 2
    assert auroc(np.zeros(400_000, np.float32), label) == 0.5
    assert auroc(label.astype(np.float32), label) == 1.0


def test_one_class_has_no_figure_except_aupr_without_good_pixels():
    score = np.array([0.1, 0.9])
    assert aupr(score, np.array([1, 1])) == 1.0
    with pytest.raises(InputError, match="AUPR needs at least one defective label"):
        aupr(score, np.array([0, 0]))
    for label in ([0, 0], [1, 1]):
        with pytest.raises(InputError, match="AUROC needs good and defective labels"):
            auroc(score, np.array(label))


@pytest.mark.parametrize("figure", [aupr, auroc])
def test_nan_and_other_shapes_are_refused(figure):
    with pytest.raises(InputError, match="1 of 2 scores are not a number"):
        figure(np.array([0.1, np.nan]), np.array([0, 1]))
    with pytest.raises(InputError, match=r"shape \(2,\) but labels \(3,\)"):
        figure(np.zeros(2), np.zeros(3))


def slow_pro(scores, masks, max_fpr):
    """Sweep every distinct score; integrate by trapezoids, the last one cut at max_fpr."""
    regions = []
    for image, mask in enumerate(masks):
        count, labels = cv2.connectedComponents(mask, connectivity=8)
        regions += [(image, labels == label) for label in range(1, count)]
    num_good = sum(int((mask == 0).sum()) for mask in masks)
    curve = [(0.0, 0.0)]
    for threshold in sorted(np.unique(np.concatenate([score.ravel() for score in scores])), reverse=True):
        fpr = sum(((s >= threshold) & (m == 0)).sum() for s, m in zip(scores, masks, strict=False)) / num_good
        overlap = np.mean([(scores[image] >= threshold)[region].mean() for image, region in regions])
        curve.append((fpr, overlap))
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(curve):
        if x0 >= max_fpr or x1 == x0:
            continue
        end = min(x1, max_fpr)
        area += (end - x0) * (y0 + y0 + (y1 - y0) * (end - x0) / (x1 - x0)) / 2
    return area / max_fpr


def maps(rng, *, levels, num=3, side=24):
    scores, masks = [], []
    for _ in range(num):
        mask = np.zeros((side, side), np.uint8)
        for _ in range(rng.integers(0, 4)):
            y, x = rng.integers(0, side - 6, 2)
            mask[y : y + rng.integers(1, 6), x : x + rng.integers(1, 6)] = 1
        score = rng.random((side, side)) * 0.7 + 0.3 * mask
        scores.append((np.round(score * levels) / levels).astype(np.float32))
        masks.append(mask)
    masks[0][2:5, 3:9] = 1
    return scores, masks


@pytest.mark.parametrize("levels", [1, 4, 30, 10_000])
@pytest.mark.parametrize("max_fpr", [0.05, 0.3, 1.0])
def test_pro_is_that_of_a_slow_sweep_over_all_thresholds(levels, max_fpr):
    scores, masks = maps(np.random.default_rng(levels), levels=levels)
    expected = slow_pro(scores, masks, max_fpr)
    assert pro(scores, masks, max_fpr=max_fpr) == pytest.approx(expected, abs=EXACT)


def test_pro_counts_a_small_region_as_much_as_a_large_one():
    mask = np.zeros((40, 40), np.uint8)
    mask[0:20, 0:20] = 1
    mask[30, 30] = 1
    found_large = mask * 1.0
    found_large[30, 30] = 0
    # Between fpr 0 and 1 the small region rises from 0 to 1 with the good pixels, all at score 0.
    assert pro([found_large], [mask], max_fpr=0.3) == pytest.approx(0.5 + 0.5 * 0.15)
    assert pro([mask * 1.0], [mask]) == pytest.approx(1.0, abs=EXACT)


def test_pro_accepts_images_of_different_sizes():
    scores, masks = maps(np.random.default_rng(3), levels=100)
    scores.append(np.zeros((10, 50), np.float32))
    masks.append(np.zeros((10, 50), np.uint8))
    assert pro(scores, masks) == pytest.approx(slow_pro(scores, masks, 0.3), abs=EXACT)


def test_regions_touching_at_a_corner_are_one():
    np.testing.assert_array_equal(
        region_weights(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]])),
        [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0]],
    )


def test_pro_says_what_is_missing():
    score, none, all_of_it = np.zeros((4, 4)), np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)
    with pytest.raises(InputError, match="0 defective and 16 good"):
        pro([score], [none])
    with pytest.raises(InputError, match="16 defective and 0 good"):
        pro([score], [all_of_it])
    with pytest.raises(InputError, match="1 score maps but 2 masks"):
        pro([score], [none, none])
    with pytest.raises(InputError, match="max_fpr is 0"):
        pro([score], [none], max_fpr=0)
    with pytest.raises(InputError, match="0 defective and 0 good"):
        pro([], [])
