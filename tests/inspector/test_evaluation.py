import json

import cv2
import numpy as np
import pytest

from inspector import evaluation
from inspector.dataset import Sample
from inspector.errors import DatasetError, InspectorError
from inspector.evaluation import evaluate
from inspector.metrics import aupr, auroc, pro
from inspector.postprocess import Thresholds

SIZE_HW = (32, 32)
FRAME_HW = (80, 64)


@pytest.fixture
def samples(tmp_path):
    """Three good parts, two scratches and one dent: the defect is bright, the rest noise."""
    rng = np.random.default_rng(7)
    return [
        _sample(tmp_path, rng, i, kind) for i, kind in enumerate(["good"] * 3 + ["scratch"] * 2 + ["dent"])
    ]


def _sample(folder, rng, number, kind):
    frame = rng.integers(0, 110, (*FRAME_HW, 3), dtype=np.uint8)
    mask = np.zeros(FRAME_HW, np.uint8)
    mask_path = None
    if kind != "good":
        x, y = rng.integers(5, 30, 2)
        mask[y : y + 33, x : x + 21] = 255
        frame[mask > 0] = 150
        mask_path = folder / f"{number}_mask.png"
        cv2.imwrite(str(mask_path), mask)
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), frame)
    return Sample(name=path.name, path=path, kind=kind, mask_path=mask_path, group=path.name)


def brightness(frame):
    gray = cv2.resize(frame, SIZE_HW[::-1], interpolation=cv2.INTER_AREA).mean(axis=2)
    return (gray / 255).astype(np.float32)


def expected_masks(samples, rule):
    masks = []
    for sample in samples:
        drawn = np.zeros(FRAME_HW, np.float32)
        if sample.mask_path is not None:
            drawn = (cv2.imread(str(sample.mask_path), cv2.IMREAD_GRAYSCALE) > 127).astype(np.float32)
        masks.append(rule(cv2.resize(drawn, SIZE_HW[::-1], interpolation=cv2.INTER_AREA)))
    return np.array(masks)


def expected_scores(samples):
    return np.array([brightness(cv2.imread(str(sample.path))) for sample in samples])


def test_pixel_figures_are_those_of_the_exact_metrics(samples):
    result = evaluate(brightness, samples, size_hw=SIZE_HW)
    scores, masks = expected_scores(samples), expected_masks(samples, lambda share: share > 0.5)
    assert result.pixel_aupr == aupr(scores, masks)
    assert result.pixel_auroc == auroc(scores, masks)
    assert result.pro == pro(scores, masks)
    assert result.pixel_metrics == "exact"
    assert (result.num_good, result.num_defect, result.num_unmasked) == (3, 3, 0)


def test_dilated_and_eroded_masks_are_more_than_none_and_all_of_a_pixel(samples):
    result = evaluate(brightness, samples, size_hw=SIZE_HW)
    scores = expected_scores(samples)
    dilated = expected_masks(samples, lambda share: share > 0)
    eroded = expected_masks(samples, lambda share: share > 0.999)
    assert dilated.sum() > eroded.sum()
    assert result.pixel_aupr_dilated == aupr(scores, dilated)
    assert result.pixel_aupr_eroded == aupr(scores, eroded)


def test_a_kind_is_measured_with_all_good_images(samples):
    result = evaluate(brightness, samples, size_hw=SIZE_HW)
    assert sorted(result.per_defect) == ["dent", "scratch"]
    chosen = [sample for sample in samples if sample.kind in ("good", "dent")]
    alone = evaluate(brightness, chosen, size_hw=SIZE_HW)
    for name, value in result.per_defect["dent"].items():
        assert value == getattr(alone, name), name


def test_histograms_give_nearly_the_same_when_there_are_too_many_pixels(samples, monkeypatch):
    exact = evaluate(brightness, samples, size_hw=SIZE_HW)
    monkeypatch.setattr(evaluation, "MAX_EXACT_PIXELS", 6 * 32 * 32 - 1)
    streamed = evaluate(brightness, samples, size_hw=SIZE_HW)
    assert streamed.pixel_metrics == "histogram"
    for name in ("pixel_aupr", "pixel_aupr_dilated", "pixel_aupr_eroded", "pixel_auroc", "pro"):
        assert getattr(streamed, name) == pytest.approx(getattr(exact, name), abs=1e-3), name
    assert streamed.per_defect["dent"]["pro"] == pytest.approx(exact.per_defect["dent"]["pro"], abs=1e-3)


def test_original_resolution_compares_with_the_mask_as_drawn(samples):
    result = evaluate(brightness, samples, size_hw=SIZE_HW, original_resolution=True)
    scores = [cv2.resize(score, FRAME_HW[::-1]) for score in expected_scores(samples)]
    masks = np.zeros((6, *FRAME_HW), np.uint8)
    for number, sample in enumerate(samples):
        if sample.mask_path is not None:
            masks[number] = cv2.imread(str(sample.mask_path), cv2.IMREAD_GRAYSCALE) > 127
    assert result.pixel_aupr == aupr(np.array(scores), masks)
    assert (result.pixel_aupr_dilated, result.pixel_aupr_eroded) == (None, None)


def test_shares_of_verdicts_follow_the_thresholds(samples):
    strict = evaluate(brightness, samples, size_hw=SIZE_HW, thresholds=Thresholds(0.0, 0.0, 1))
    assert (strict.false_reject_rate, strict.miss_rate) == (1.0, 0.0)
    fair = evaluate(brightness, samples, size_hw=SIZE_HW, thresholds=Thresholds(0.9, 0.45, 1))
    assert (fair.false_reject_rate, fair.good_review_rate) == (0.0, 0.0)
    assert (fair.miss_rate, fair.defect_review_rate) == (0.0, 1.0)
    blind = evaluate(brightness, samples, size_hw=SIZE_HW, thresholds=Thresholds(1.0, 1.0, 1))
    assert (blind.false_reject_rate, blind.miss_rate) == (0.0, 1.0)
    assert evaluate(brightness, samples, size_hw=SIZE_HW).false_reject_rate is None


def test_figures_that_do_not_exist_are_none_not_zero(samples):
    result = evaluate(brightness, samples[:3], size_hw=SIZE_HW, thresholds=Thresholds(0.5, 0.5, 1))
    for name in ("pixel_aupr", "pixel_auroc", "pro", "image_auroc", "image_ap", "miss_rate"):
        assert getattr(result, name) is None, name
    assert result.false_reject_rate == 0.0
    json.dumps(result.as_dict(), allow_nan=False)


def test_a_defect_without_mask_counts_in_the_image_figures_only(samples):
    unmasked = Sample(name="x", path=samples[5].path, kind="dent", mask_path=None, group="x")
    result = evaluate(brightness, [*samples[:5], unmasked], size_hw=SIZE_HW)
    assert (result.num_defect, result.num_unmasked) == (3, 1)
    assert result.image_auroc == 1.0
    assert result.per_defect["dent"]["pixel_aupr"] is None
    assert result.per_defect["dent"]["image_auroc"] == 1.0
    assert result.pixel_aupr == evaluate(brightness, samples[:5], size_hw=SIZE_HW).pixel_aupr


def test_latency_is_that_of_the_prediction(samples, monkeypatch):
    clock = iter(np.cumsum([0, 1, 5, 2, 5, 3, 5, 4, 5, 5, 5, 6]) / 1000)  # the odd steps are predictions
    monkeypatch.setattr(evaluation.time, "perf_counter", lambda: next(clock))
    assert evaluate(brightness, samples, size_hw=SIZE_HW).latency_ms_median == pytest.approx(3.5)


def test_every_sample_is_announced(samples):
    seen = []
    evaluate(brightness, samples, size_hw=SIZE_HW, on_sample=lambda: seen.append(1))
    assert len(seen) == len(samples)


def test_no_samples_and_wrong_maps_are_refused(samples):
    with pytest.raises(DatasetError, match="no images"):
        evaluate(brightness, [], size_hw=SIZE_HW)
    with pytest.raises(InspectorError, match=r"shape \(32, 32\), but the network input is \(64, 64\)"):
        evaluate(brightness, samples, size_hw=(64, 64))
    with pytest.raises(InspectorError, match="not finite"):
        evaluate(lambda frame: brightness(frame) * np.nan, samples, size_hw=SIZE_HW)
