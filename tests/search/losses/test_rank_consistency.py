"""Theorem 1 of [D]: under symmetric noise a symmetric loss ranks classifiers as with clean labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
import torch

from search.labels.noise import symmetric_noise
from search.losses.class_loss import ClassLoss
from search.losses.named import class_loss
from search.losses.rank_consistency import NoisyRisk

SYMMETRIC = ("rll", "mae", "nce", "rce", "nce+mae", "nce+rce")
Risks = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def risks(loss: ClassLoss, num_classes: int, eta: float, *, seed: int, num_classifiers: int = 12) -> Risks:
    """Clean and noisy risk of random classifiers on a random distribution of eight points, both exact.

    A point has a probability for each class: the true distribution need not be separable.
    """
    rng = np.random.default_rng(seed)
    joint = torch.from_numpy(rng.dirichlet(np.ones(8 * num_classes)).reshape(8, num_classes))
    noisy_joint = joint @ torch.from_numpy(symmetric_noise(num_classes, eta=eta))
    clean, noisy = [], []
    for _ in range(num_classifiers):
        logits = torch.from_numpy(rng.normal(0, rng.uniform(0.1, 8), (8, num_classes)))
        log_p = torch.log_softmax(logits, dim=1)
        every = [loss.values(log_p, torch.full((8,), target)) for target in range(num_classes)]
        values = torch.stack(every, dim=1)  # (points, classes)
        clean.append(float((joint * values).sum()))
        noisy.append(float((noisy_joint * values).sum()))
    return np.array(clean), np.array(noisy)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_noisy_risk_lies_on_the_line_and_ranks_alike(name: str, seed: int) -> None:
    rng = np.random.default_rng((7, seed))
    num_classes = int(rng.integers(2, 30))
    eta = float(rng.uniform(0, 0.98) * (num_classes - 1) / num_classes)
    loss = class_loss(name)
    constant = loss.constant(num_classes)
    assert constant is not None
    line = NoisyRisk(eta=eta, num_classes=num_classes, constant=constant)
    clean, noisy = risks(loss, num_classes, eta, seed=seed)
    assert line.keeps_the_order
    assert noisy == pytest.approx([line(risk) for risk in clean], rel=1e-9)
    assert np.array_equal(np.argsort(noisy), np.argsort(clean))


@pytest.mark.parametrize(("num_classes", "eta"), [(2, 0.3), (10, 0.6), (10, 0.85)])
def test_the_0_1_loss_is_symmetric_so_that_accuracy_ranks_alike(num_classes: int, eta: float) -> None:
    """What rewards ENAS' controller on noisy validation labels; C is c - 1."""
    rng = np.random.default_rng(num_classes)
    joint = rng.dirichlet(np.ones(8 * num_classes)).reshape(8, num_classes)
    noisy_joint = joint @ symmetric_noise(num_classes, eta=eta)
    line = NoisyRisk(eta=eta, num_classes=num_classes, constant=num_classes - 1)
    for _ in range(20):
        answers = rng.integers(num_classes, size=8)
        clean, noisy = (1.0 - part[np.arange(8), answers].sum() for part in (joint, noisy_joint))
        assert noisy == pytest.approx(line(clean))


@pytest.mark.parametrize("name", SYMMETRIC)
def test_more_noise_than_the_theorem_allows_turns_the_ranking_round(name: str) -> None:
    clean, noisy = risks(class_loss(name), 4, 0.9, seed=1)
    assert not NoisyRisk(eta=0.9, num_classes=4, constant=1.0).keeps_the_order
    assert np.array_equal(np.argsort(noisy), np.argsort(clean)[::-1])


@pytest.mark.parametrize("name", ["cce", "gce", "sce", "taylor"])
def test_a_loss_that_is_not_symmetric_ranks_some_classifiers_otherwise(name: str) -> None:
    """So that the property above is no property of every loss."""
    swapped = 0
    for seed in range(20):
        clean, noisy = risks(class_loss(name), 10, 0.6, seed=seed)
        swapped += not np.array_equal(np.argsort(noisy), np.argsort(clean))
    assert swapped > 0


def test_the_line_of_rll_for_ten_classes_and_06() -> None:
    line = NoisyRisk(eta=0.6, num_classes=10, constant=class_loss("rll").constant(10) or 0.0)
    assert line.intercept == pytest.approx(3.076747, abs=1e-6)
    assert line.slope == pytest.approx(1 / 3)
    assert line(4.615121) == pytest.approx(4.615121, abs=1e-6)  # the undecided classifier loses nothing


def test_the_line_of_mae_for_ten_classes_and_06() -> None:
    assert NoisyRisk(eta=0.6, num_classes=10, constant=18.0).intercept == pytest.approx(1.2)


def test_the_bound_is_c_minus_1_over_c() -> None:
    kept = [
        NoisyRisk(eta=eta, num_classes=10, constant=1.0).keeps_the_order for eta in (0.0, 0.89, 0.9, 0.95)
    ]
    assert kept == [True, True, False, False]
    slopes = [NoisyRisk(eta=0.5, num_classes=c, constant=1.0).slope for c in (2, 3, 10, 100)]
    assert all(low < high for low, high in pairwise(slopes))  # more classes tolerate more noise
