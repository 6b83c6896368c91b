"""Every value of facts/search_algorithms.md, section E; symmetry, finite slopes, the binary form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from inspector.errors import InputError
from search.losses.class_loss import ClassLoss
from search.losses.named import CLASS_LOSSES, class_loss
from search.losses.robust import (
    GeneralisedCrossEntropy,
    MeanAbsoluteError,
    ReverseCrossEntropy,
    RobustLogLoss,
    TaylorCrossEntropy,
    WeightedPair,
)

SYMMETRIC = ("rll", "mae", "nce", "rce", "nce+mae", "nce+rce")
OTHERS = ("cce", "gce", "sce", "taylor")


def value(loss: ClassLoss, p: list[float], target: int) -> float:
    log_p = torch.tensor([p], dtype=torch.float64).log()
    return float(loss.values(log_p, torch.tensor([target])))


def with_true_probability(p_t: float, num_classes: int) -> Tensor:
    """Logits of a sample of class 0, all other classes equal."""
    others = (1.0 - p_t) / (num_classes - 1)
    p = torch.full((1, num_classes), others, dtype=torch.float64)
    p[0, 0] = p_t
    return p.log().requires_grad_()


def slopes(loss: ClassLoss, logits: Tensor, target: int = 0) -> Tensor:
    (slope,) = torch.autograd.grad(loss(logits, torch.tensor([target])), [logits])
    return slope[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rll", (3.073649, 4.900886, 5.870826)),
        ("mae", (0.6, 1.6, 1.8)),
        ("gce", (0.315634, 0.965527, 1.143534)),
        ("nce", (0.083556, 0.377033, 0.539412)),
        ("rce", (1.2, 3.2, 3.6)),
        ("taylor", (0.345, 1.12, 1.305)),
    ],
)
def test_values_at_07_02_01(name: str, expected: tuple[float, ...]) -> None:
    found = [value(class_loss(name), [0.7, 0.2, 0.1], target) for target in range(3)]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("num_classes", "constant"), [(2, 9.230241), (3, 13.845362), (10, 46.151205), (100, 461.512052)]
)
def test_the_constant_of_rll(num_classes: int, constant: float) -> None:
    assert RobustLogLoss(alpha=0.01).constant(num_classes) == pytest.approx(constant, abs=1e-6)


@pytest.mark.parametrize("num_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_a_symmetric_loss_sums_to_its_constant_over_the_classes(name: str, num_classes: int) -> None:
    loss = class_loss(name)
    log_p = F.log_softmax(5 * torch.randn(64, num_classes, dtype=torch.float64), dim=1)
    total = sum(loss.values(log_p, torch.full((64,), target)) for target in range(num_classes))
    assert isinstance(total, Tensor)
    constant = loss.constant(num_classes)
    assert constant is not None
    assert total.tolist() == pytest.approx([constant] * 64, rel=1e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_a_loss_that_is_not_symmetric_has_no_constant_and_another_sum_for_other_scores(name: str) -> None:
    loss = class_loss(name)
    sums = [sum(value(loss, p, target) for target in range(3)) for p in ([0.7, 0.2, 0.1], [0.34, 0.33, 0.33])]
    assert loss.constant(3) is None
    assert abs(sums[0] - sums[1]) > 0.01


def test_symmetric_and_other_losses_are_all_there_are() -> None:
    assert sorted((*SYMMETRIC, *OTHERS)) == sorted(CLASS_LOSSES)


@pytest.mark.parametrize("num_classes", [2, 10])
def test_rll_of_a_perfect_a_worst_and_an_undecided_network(num_classes: int) -> None:
    loss, sure, undecided = (
        RobustLogLoss(),
        [1.0] + [0.0] * (num_classes - 1),
        [1.0 / num_classes] * num_classes,
    )
    assert value(loss, sure, 0) == pytest.approx(0.0, abs=1e-12)
    assert value(loss, sure, 1) == pytest.approx(loss.constant(num_classes) / (num_classes - 1))
    assert value(loss, undecided, 0) == pytest.approx(4.615121, abs=1e-6)


def test_rll_of_ten_classes_is_at_most_5127912() -> None:
    assert value(RobustLogLoss(), [1.0] + [0.0] * 9, 3) == pytest.approx(5.127912, abs=1e-6)


@pytest.mark.parametrize(("num_classes", "q"), [(3, 0.7), (10, 0.7), (10, 0.3)])
def test_the_sum_of_gce_stays_between_its_bounds(num_classes: int, q: float) -> None:
    loss = GeneralisedCrossEntropy(q)
    log_p = F.log_softmax(8 * torch.randn(256, num_classes, dtype=torch.float64), dim=1)
    total = torch.stack([loss.values(log_p, torch.full((256,), t)) for t in range(num_classes)]).sum(dim=0)
    assert float(total.min()) >= (num_classes - num_classes ** (1 - q)) / q - 1e-9
    assert float(total.max()) <= (num_classes - 1) / q + 1e-9


@pytest.mark.parametrize(
    ("name", "slope_at"),
    [
        ("rll", {0.9: -0.573, 0.5: -0.914, 0.1: -0.909, 0.01: -0.504, 0.001: -0.092}),
        ("mae", {0.9: -0.18, 0.5: -0.5, 0.1: -0.18, 0.01: -0.0198, 0.001: -0.002}),
        ("cce", {0.9: -0.1, 0.5: -0.5, 0.1: -0.9, 0.01: -0.99, 0.001: -0.999}),
    ],
)
def test_slopes_at_the_true_logit(name: str, slope_at: dict[float, float]) -> None:
    for p_t, expected in slope_at.items():
        logits = with_true_probability(p_t, 10)
        assert float(slopes(class_loss(name), logits)[0]) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize(("name", "expected"), [("rll", 0.400), ("mae", 0.010), ("cce", 1.995)])
def test_a_confident_wrong_answer_moves_a_robust_loss_little(name: str, expected: float) -> None:
    p = torch.tensor([[0.98, 0.0025] + [0.0175 / 8] * 8], dtype=torch.float64)
    logits = p.log().requires_grad_()
    assert float(slopes(class_loss(name), logits, target=1).abs().sum()) == pytest.approx(expected, abs=6e-4)


def test_rll_with_a_large_alpha_is_a_scaled_mae() -> None:
    alpha, p = 1e4, [0.3, 0.25, 0.25, 0.2]
    scaled_mae = 4 / 3 * value(MeanAbsoluteError(), p, 0) / 2
    assert alpha * value(RobustLogLoss(alpha), p, 0) == pytest.approx(scaled_mae, rel=1e-3)


def test_limits_of_the_families_are_known_losses() -> None:
    p = [0.3, 0.5, 0.2]
    assert value(GeneralisedCrossEntropy(1e-6), p, 0) == pytest.approx(
        value(class_loss("cce"), p, 0), rel=1e-5
    )
    assert value(GeneralisedCrossEntropy(1.0), p, 0) == pytest.approx(value(MeanAbsoluteError(), p, 0) / 2)
    assert value(TaylorCrossEntropy(1), p, 0) == pytest.approx(value(MeanAbsoluteError(), p, 0) / 2)
    assert value(TaylorCrossEntropy(200), p, 0) == pytest.approx(value(class_loss("cce"), p, 0))


def test_sce_weighs_its_two_terms() -> None:
    p = [0.3, 0.5, 0.2]
    assert value(class_loss("sce"), p, 1) == pytest.approx(-0.1 * math.log(0.5) + 4 * 0.5)


def test_a_pair_with_one_unsymmetric_loss_is_not_symmetric() -> None:
    assert WeightedPair(class_loss("cce"), ReverseCrossEntropy()).constant(10) is None


def test_cce_equals_torchs() -> None:
    logits, target = torch.randn(8, 5), torch.randint(5, (8,))
    assert float(class_loss("cce")(logits, target)) == pytest.approx(float(F.cross_entropy(logits, target)))


@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_gradients_equal_finite_differences(name: str) -> None:
    logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    target = torch.randint(5, (4,))
    assert torch.autograd.gradcheck(lambda x: class_loss(name)(x, target), logits)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_logits_of_100_give_a_finite_loss_and_finite_slopes(name: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([[100.0, -100.0, 0.0], [-100.0, 100.0, -100.0]], dtype=dtype, requires_grad=True)
    for target in range(3):
        loss = class_loss(name)(logits, torch.full((2,), target))
        (slope,) = torch.autograd.grad(loss, [logits])
        assert torch.isfinite(loss)
        assert torch.isfinite(slope).all()
        assert loss.dtype == torch.float32


def test_rll_at_logits_of_100_is_its_largest_value() -> None:
    logits = torch.tensor([[100.0, -100.0, -100.0]])
    assert float(RobustLogLoss()(logits, torch.tensor([1]))) == pytest.approx(6.9227, abs=1e-4)


@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_autocast_changes_nothing(name: str) -> None:
    logits, target = torch.randn(6, 4), torch.randint(4, (6,))
    plain = class_loss(name)(logits, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(class_loss(name)(logits, target), plain)


@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_the_binary_form_is_the_loss_of_two_classes_pixel_by_pixel(name: str) -> None:
    logits = 3 * torch.randn(2, 1, 4, 5, dtype=torch.float64)
    mask = (torch.rand(2, 1, 4, 5) < 0.3).float()
    found = class_loss(name).of_pixels(logits, mask)
    assert found.shape == (2, 1, 4, 5)
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    for b, y, x in ((0, 0, 0), (0, 3, 4), (1, 2, 1)):
        alone = class_loss(name)(two[b : b + 1, :, y, x], mask[b, :, y, x].long())
        assert float(found[b, 0, y, x]) == pytest.approx(float(alone), abs=1e-12)


@pytest.mark.parametrize("logit", [-100.0, 100.0])
@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_the_binary_form_is_finite_for_any_logit(name: str, logit: float) -> None:
    logits = torch.full((1, 1, 1, 2), logit, requires_grad=True)
    loss = class_loss(name).of_pixels(logits, torch.tensor([[[[0.0, 1.0]]]])).sum()
    (slope,) = torch.autograd.grad(loss, [logits])
    assert torch.isfinite(loss)
    assert torch.isfinite(slope).all()


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(InputError, match="there is no loss 'RL'; the nearest is rll, all are cce, rll"):
        class_loss("RL")


def test_a_single_class_is_refused() -> None:
    with pytest.raises(ValueError, match="name 1 class, but a loss compares two or more"):
        class_loss("rll")(torch.zeros(4, 1), torch.zeros(4, dtype=torch.long))
