import numpy as np
import pytest
from scipy.stats import beta

from inspector.errors import InputError, InspectorError
from inspector.postprocess import Verdict, image_score, judge
from inspector.threshold import choose_thresholds, clopper_pearson, images_needed


def flat_maps(values):
    """Maps of 8x8 whose smoothed score is the value everywhere."""
    return [np.full((8, 8), value, np.float32) for value in values]


def noisy_maps(num, *, seed=0, side=48):
    rng = np.random.default_rng(seed)
    return [(rng.random((side, side)) * rng.random()).astype(np.float32) ** 2 for _ in range(num)]


@pytest.mark.parametrize(
    ("num_images", "budget", "num_rejected"),
    [
        (1, 0.005, 0),
        (60, 0.005, 0),
        (199, 0.005, 0),
        (200, 0.005, 1),  # 0.005 * 200 is one image exactly
        (400, 0.005, 2),
        (10, 0.1, 1),
        (10, 0.3, 3),  # 0.3 * 10 is 3, and floating point must not make it 2
        (100, 0.29, 29),
        (10, 0.99, 9),
    ],
)
def test_the_budget_is_used_and_not_exceeded(num_images, budget, num_rejected):
    values = np.random.default_rng(1).permutation(np.linspace(0.1, 0.9, num_images))
    choice = choose_thresholds(flat_maps(values), false_reject_budget=budget)
    assert choice.false_reject_rate == num_rejected / num_images
    assert choice.thresholds.fail == pytest.approx(np.sort(values)[-1 - num_rejected], abs=1e-6)
    assert choice.num_images == num_images


@pytest.mark.parametrize("min_area_px", [None, 1, 10, 100])
@pytest.mark.parametrize("budget", [0.01, 0.1])
def test_the_stated_rate_is_the_one_that_judge_gives(min_area_px, budget):
    maps = noisy_maps(50)
    choice = choose_thresholds(maps, false_reject_budget=budget, min_area_px=min_area_px)
    verdicts = [judge(score, choice.thresholds).verdict for score in maps]
    assert verdicts.count(Verdict.FAIL) / 50 == choice.false_reject_rate <= budget
    assert verdicts.count(Verdict.PASS) >= 45


def test_a_larger_minimum_area_lowers_the_threshold():
    maps = noisy_maps(30)
    fails = [choose_thresholds(maps, min_area_px=area).thresholds.fail for area in (1, 20, 200)]
    assert fails == sorted(fails, reverse=True)
    assert fails[0] == max(image_score(score) for score in maps)
    assert fails[2] < fails[0]


def test_equal_scores_never_exceed_the_budget():
    choice = choose_thresholds(flat_maps([0.2] * 90 + [0.7] * 10), false_reject_budget=0.05)
    assert choice.false_reject_rate == 0.0
    assert choice.thresholds.fail == pytest.approx(0.7)


def test_about_one_good_part_in_twenty_is_reviewed():
    maps = flat_maps(np.linspace(0.1, 0.9, 200))
    thresholds = choose_thresholds(maps).thresholds
    verdicts = [judge(score, thresholds).verdict for score in maps]
    assert (verdicts.count(Verdict.FAIL), verdicts.count(Verdict.REVIEW)) == (1, 9)


@pytest.mark.parametrize("budget", [0.005, 0.05, 0.2])
def test_review_is_never_above_fail(budget):
    thresholds = choose_thresholds(noisy_maps(40), false_reject_budget=budget).thresholds
    assert thresholds.review <= thresholds.fail
    assert (thresholds.review == thresholds.fail) == (budget >= 0.05)


def test_default_area_follows_the_size_of_the_maps():
    assert choose_thresholds(noisy_maps(3, side=256)).thresholds.min_area_px == 4
    assert choose_thresholds(noisy_maps(3, side=64)).thresholds.min_area_px == 1


def test_too_few_images_are_told_in_plain_words():
    choice = choose_thresholds(flat_maps(np.linspace(0, 0.5, 60)))
    assert choice.warning == (
        "60 good calibration images cannot show a false-reject rate of 0.5 %: the observed 0 of 60 is "
        "compatible with up to 4.9 % (95 % confidence); 598 images are needed"
    )
    assert choice.interval[0] == 0.0
    assert choice.num_needed == 598


def test_enough_images_give_no_warning():
    assert choose_thresholds(flat_maps([0.1] * 597)).warning is not None
    choice = choose_thresholds(flat_maps([0.1] * 598))
    assert choice.warning is None
    assert choice.interval[1] <= 0.005


@pytest.mark.parametrize(
    ("rate", "confidence", "num"), [(0.005, 0.95, 598), (0.01, 0.95, 299), (0.05, 0.95, 59), (0.5, 0.75, 2)]
)
def test_images_needed_is_the_exact_rule_of_three(rate, confidence, num):
    assert images_needed(rate, confidence=confidence) == num
    assert (1 - rate) ** num <= 1 - confidence + 1e-12 < (1 - rate) ** (num - 1)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    ("hits", "trials"), [(0, 1), (1, 1), (0, 60), (3, 60), (30, 60), (60, 60), (7, 5000), (99, 2000)]
)
def test_interval_is_that_of_the_beta_distribution(hits, trials, confidence):
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, trials - hits) if hits < trials else 1.0
    assert clopper_pearson(hits, trials, confidence=confidence) == pytest.approx((low, high), abs=1e-9)


def test_the_upper_bound_holds_for_a_threshold_chosen_by_the_same_images():
    # Scores are uniform, so the true rate at a threshold t is 1 - t: above the bound in 5 % of the draws.
    rng = np.random.default_rng(5)
    num_draws, num_exceeded = 300, 0
    for _ in range(num_draws):
        choice = choose_thresholds(flat_maps(rng.random(20)), false_reject_budget=0.05)
        num_exceeded += 1 - choice.thresholds.fail > choice.interval[1]
    assert num_exceeded / num_draws < 0.08


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="no good calibration images"):
        choose_thresholds([])
    with pytest.raises(InputError, match=r"shapes \(8, 8\) and \(4, 4\)"):
        choose_thresholds([np.zeros((8, 8)), np.zeros((4, 4))])
    for budget in (0, 1, -0.1, float("nan")):
        with pytest.raises(InputError, match="false_reject_budget is"):
            choose_thresholds(flat_maps([0.1]), false_reject_budget=budget)
    for confidence in (0.4, 1):
        with pytest.raises(InputError, match="confidence is"):
            choose_thresholds(flat_maps([0.1]), confidence=confidence)
    with pytest.raises(InspectorError, match="not finite"):
        choose_thresholds(flat_maps([0.1, float("nan")]))


def test_shots_of_one_part_are_no_independent_evidence():
    """The bounds counted photos: six exposures of ten parts passed as sixty parts."""
    maps = [np.full((32, 32), 0.01 * i, np.float32) for i in range(60)]
    by_image = choose_thresholds(maps, min_area_px=1)
    by_part = choose_thresholds(maps, min_area_px=1, groups=[str(i // 6) for i in range(60)])
    assert by_part.thresholds == by_image.thresholds
    assert by_part.interval[1] == pytest.approx(clopper_pearson(0, 10, confidence=0.9)[1])
    assert "10 good calibration parts on 60 images" in (by_part.warning or "")


def test_groups_that_do_not_match_the_maps_are_refused():
    with pytest.raises(InputError, match="2 groups are given for 3"):
        choose_thresholds([np.zeros((32, 32), np.float32)] * 3, groups=["a", "b"])
