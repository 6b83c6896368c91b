"""The losses against slow, direct implementations."""

from __future__ import annotations

import math
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from search.losses.named import CLASS_LOSSES, class_loss
from search.losses.segmentation import (
    FOCAL,
    SSIM_C1,
    SSIM_C2,
    LossWeights,
    detector_loss,
    focal_loss,
    score_loss,
    structural_similarity,
)
from search.recipe_sections import ScoreLossName

Plane = npt.NDArray[np.float64]


def slow_ssim(x: Plane, y: Plane) -> float:
    """Wang et al. (2004) on one plane, a window of 11 x 11 pixels (sigma 1.5) at a time."""
    offsets = np.arange(11) - 5
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            values.append(
                (2 * mean_a * mean_b + SSIM_C1)
                * (2 * covariance + SSIM_C2)
                / ((mean_a**2 + mean_b**2 + SSIM_C1) * (var_a + var_b + SSIM_C2))
            )
    return float(np.mean(values))


def test_ssim_equals_the_direct_computation() -> None:
    x, y = torch.rand(2, 3, 14, 17, dtype=torch.float64), torch.rand(2, 3, 14, 17, dtype=torch.float64)
    y[1] = 0.8 * x[1] + 0.1
    direct = [slow_ssim(x[b, c].numpy(), y[b, c].numpy()) for b in range(2) for c in range(3)]
    assert float(structural_similarity(x, y)) == pytest.approx(np.mean(direct), abs=1e-12)


def test_ssim_of_float32_images_is_near_the_direct_computation() -> None:
    x, y = torch.rand(1, 1, 20, 13), torch.rand(1, 1, 20, 13)
    direct = slow_ssim(x[0, 0].double().numpy(), y[0, 0].double().numpy())
    assert float(structural_similarity(x, y)) == pytest.approx(direct, abs=1e-5)


def test_ssim_is_1_for_equal_images_and_less_for_others() -> None:
    x = torch.rand(2, 3, 32, 32)
    assert float(structural_similarity(x, x)) == pytest.approx(1.0, abs=1e-6)
    assert float(structural_similarity(torch.full_like(x, 0.5), torch.full_like(x, 0.5))) == pytest.approx(
        1.0
    )
    assert float(structural_similarity(x, 1 - x)) < 0


def test_ssim_does_not_depend_on_the_memory_layout() -> None:
    x, y = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    last = torch.channels_last
    other = structural_similarity(x.to(memory_format=last), y.to(memory_format=last))
    assert float(other) == pytest.approx(float(structural_similarity(x, y)), abs=1e-6)


@pytest.mark.parametrize("alpha", [None, 0.25, 0.9])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_equals_its_formula(gamma: float, alpha: float | None) -> None:
    logits, mask = torch.randn(40) * 3, (torch.rand(40) < 0.3).float()
    values = []
    for logit, is_defective in zip(logits.double().tolist(), mask.tolist(), strict=True):
        p = 1 / (1 + math.exp(-logit))
        p_t = p if is_defective else 1 - p
        alpha_t = 1.0 if alpha is None else (alpha if is_defective else 1 - alpha)
        values.append(-alpha_t * (1 - p_t) ** gamma * math.log(p_t))
    assert float(focal_loss(logits, mask, gamma=gamma, alpha=alpha)) == pytest.approx(
        np.mean(values), rel=1e-5
    )


def test_focal_loss_with_gamma_0_is_the_binary_cross_entropy() -> None:
    logits, mask = torch.randn(2, 1, 8, 8), (torch.rand(2, 1, 8, 8) < 0.5).float()
    assert torch.equal(focal_loss(logits, mask, gamma=0.0), F.binary_cross_entropy_with_logits(logits, mask))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("value", [-100.0, -30.0, 0.0, 30.0, 100.0])
def test_focal_loss_and_its_gradient_are_finite_for_any_logit(value: float, gamma: float) -> None:
    logits = torch.full((1, 1, 2, 2), value, requires_grad=True)
    mask = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    loss = focal_loss(logits, mask, gamma=gamma)
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def draw_batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mask = (torch.rand(2, 1, 16, 16) < 0.2).float()
    return torch.rand(2, 3, 16, 16), torch.randn(2, 1, 16, 16), torch.rand(2, 3, 16, 16), mask


def test_the_loss_is_computed_in_float32_when_the_network_gives_bfloat16() -> None:
    reconstruction, logits, target, mask = draw_batch()
    half = detector_loss(reconstruction.bfloat16(), logits.bfloat16(), target, mask, LossWeights())
    full = detector_loss(
        reconstruction.bfloat16().float(), logits.bfloat16().float(), target, mask, LossWeights()
    )
    assert half.total.dtype == torch.float32
    assert torch.equal(half.total, full.total)


def test_the_total_is_the_weighted_sum_and_each_term_can_be_switched_off() -> None:
    reconstruction, logits, target, mask = draw_batch()
    terms = detector_loss(reconstruction, logits, target, mask, LossWeights(l2=2, ssim=3, focal=5))
    assert float(terms.total) == pytest.approx(
        2 * float(terms.l2) + 3 * float(terms.ssim) + 5 * float(terms.focal)
    )
    only_l2 = detector_loss(reconstruction, logits, target, mask, LossWeights(ssim=0, focal=0))
    assert torch.equal(only_l2.total, F.mse_loss(reconstruction, target))


def test_a_perfect_reconstruction_costs_nothing() -> None:
    _, logits, target, mask = draw_batch()
    terms = detector_loss(target, logits, target, mask, LossWeights())
    assert float(terms.l2) == 0
    assert float(terms.ssim) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", sorted(CLASS_LOSSES))
def test_another_loss_takes_the_place_of_focal_with_its_weight(name: str) -> None:
    reconstruction, logits, target, mask = draw_batch()
    weights = LossWeights(l2=2, ssim=3, focal=5, segmentation=name)
    terms = detector_loss(reconstruction, logits, target, mask, weights)
    plain = detector_loss(reconstruction, logits, target, mask, LossWeights(l2=2, ssim=3, focal=5))
    assert float(terms.focal) == pytest.approx(float(class_loss(name).of_pixels(logits, mask).mean()))
    assert (terms.l2, terms.ssim) == (plain.l2, plain.ssim)
    assert float(terms.total) == pytest.approx(float(2 * terms.l2 + 3 * terms.ssim + 5 * terms.focal))


def test_alpha_weighs_the_defective_pixels_of_any_loss() -> None:
    logits, mask = torch.randn(2, 1, 8, 8), (torch.rand(2, 1, 8, 8) < 0.3).float()
    found = score_loss(logits, mask, LossWeights(segmentation="rll", focal_alpha=0.9))
    pixels = class_loss("rll").of_pixels(logits, mask)
    expected = (0.9 * pixels[mask > 0.5].sum() + 0.1 * pixels[mask < 0.5].sum()) / mask.numel()
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_cce_is_focal_with_gamma_0() -> None:
    logits, mask = torch.randn(2, 1, 8, 8), (torch.rand(2, 1, 8, 8) < 0.3).float()
    cce = score_loss(logits, mask, LossWeights(segmentation="cce"))
    assert float(cce) == pytest.approx(float(focal_loss(logits, mask, gamma=0.0)), rel=1e-6)


def test_a_recipe_can_name_every_loss() -> None:
    assert set(get_args(ScoreLossName)) == {FOCAL, *CLASS_LOSSES}
