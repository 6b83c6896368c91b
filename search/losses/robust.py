"""Losses that wrong labels harm less than the cross entropy.

Source: RLL: Kumar and Sastry (2018), [D] Sec. 2.2; MAE: Ghosh et al. (2017); GCE: Zhang and Sabuncu (2018);
SCE: Wang et al. (2019); Taylor-CE: Feng et al. (2020); NCE, RCE and their pairs: Ma et al. (2020).
Differs from the source: nothing; RLL's alpha is [D]'s 0.01, while the author's published code has 0.1.

A loss is symmetric where its `constant` is a number: only then does Theorem 1 of [D] hold. In the docstrings
p is the vector of probabilities and t the given class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from search.losses.class_loss import ClassLoss, given


@dataclass(frozen=True)
class CrossEntropy(ClassLoss):
    """CCE: -log p_t. Neither bounded nor symmetric."""

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        return -given(log_p, target)


@dataclass(frozen=True)
class RobustLogLoss(ClassLoss):
    """RLL: log((1 + a) / a) - log(a + p_t) + the mean of log(a + p_j) over the other classes.

    Args:
        alpha: Down to p_t of about alpha it learns like the cross entropy; below, it gives a label up.
    """

    alpha: float = 0.01

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        shifted = torch.log(self.alpha + log_p.exp())
        own = given(shifted, target)
        others = (shifted.sum(dim=1) - own) / (log_p.shape[1] - 1)
        return self._log_ratio - own + others

    def constant(self, num_classes: int) -> float:
        return num_classes * self._log_ratio

    @property
    def _log_ratio(self) -> float:
        return math.log((1.0 + self.alpha) / self.alpha)


@dataclass(frozen=True)
class MeanAbsoluteError(ClassLoss):
    """MAE: the sum of |y_j - p_j| over the classes, which is 2 (1 - p_t)."""

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        return 2.0 * _missing(log_p, target)

    def constant(self, num_classes: int) -> float:
        return 2.0 * (num_classes - 1)


@dataclass(frozen=True)
class GeneralisedCrossEntropy(ClassLoss):
    """GCE: (1 - p_t^q) / q, between the cross entropy (q -> 0) and half of MAE (q = 1)."""

    q: float = 0.7

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        return -torch.expm1(self.q * given(log_p, target)) / self.q


@dataclass(frozen=True)
class TaylorCrossEntropy(ClassLoss):
    """The first terms of -log p_t around p_t = 1: the sum of (1 - p_t)^i / i for i = 1 .. order."""

    order: int = 2

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        missing = _missing(log_p, target)
        return torch.stack([missing**i / i for i in range(1, self.order + 1)]).sum(dim=0)


@dataclass(frozen=True)
class NormalisedCrossEntropy(ClassLoss):
    """NCE: log p_t over the sum of log p_j of all classes; an active loss, which raises p_t."""

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        return given(log_p, target) / log_p.sum(dim=1)

    def constant(self, num_classes: int) -> float:
        return 1.0


@dataclass(frozen=True)
class ReverseCrossEntropy(ClassLoss):
    """RCE: -A (1 - p_t), the cross entropy label and prediction exchanged; passive: it lowers the others.

    Args:
        log_zero: A, which stands for the logarithm of the label's zeros.
    """

    log_zero: float = -4.0

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        return -self.log_zero * _missing(log_p, target)

    def constant(self, num_classes: int) -> float:
        return -self.log_zero * (num_classes - 1)


@dataclass(frozen=True)
class WeightedPair(ClassLoss):
    """first_weight times one loss plus second_weight times another: SCE, and active with passive ones."""

    first: ClassLoss
    second: ClassLoss
    first_weight: float = 1.0
    second_weight: float = 1.0

    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        first, second = self.first.values(log_p, target), self.second.values(log_p, target)
        return self.first_weight * first + self.second_weight * second

    def constant(self, num_classes: int) -> float | None:
        first, second = self.first.constant(num_classes), self.second.constant(num_classes)
        if first is None or second is None:
            return None
        return self.first_weight * first + self.second_weight * second


def _missing(log_p: Tensor, target: Tensor) -> Tensor:
    """Return 1 - p_t, exact where p_t is nearly one."""
    return -torch.expm1(given(log_p, target))
