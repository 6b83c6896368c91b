"""A loss of class probabilities: logits in, computed in float32 whatever the network's precision.

Source: Ghosh, Kumar and Sastry (2017) for the symmetry condition, [D] Eq. 2.1.

Shape letters:  B batch   c classes   H, W rows, columns
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F


class ClassLoss(ABC):
    """A subclass says what one sample costs, given the logarithms of its class probabilities."""

    @abstractmethod
    def values(self, log_p: Tensor, target: Tensor) -> Tensor:
        """Return the loss of every sample.

        Args:
            log_p: (B, c, ...), logarithms of probabilities that sum to one over the classes.
            target: (B, ...) int64, the given class.
        """

    def constant(self, num_classes: int) -> float | None:
        """Return C, the sum of a symmetric loss over all classes ([D] Eq. 2.1); None for any other loss."""
        return None

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of logits (B, c, ...) with the given classes (B, ...)."""
        return self.values(log_softmax(logits), target).mean()

    def of_pixels(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Return the loss of every pixel of a binary segmentation: logits and mask (B, 1, H, W), mask 0 or 1.

        One logit is two classes, good with logit 0 and defective with the given one.
        """
        return self.values(log_sigmoid_pair(logits), mask[:, 0].long())[:, None]


def log_softmax(logits: Tensor) -> Tensor:
    """Return log p, (B, c, ...), in float32 or better.

    Raises:
        ValueError: fewer than two classes.
    """
    if logits.shape[1] < 2:
        raise ValueError(
            f"logits of shape {tuple(logits.shape)} name {logits.shape[1]} class, but a loss compares two or "
            "more; one logit a pixel is for `of_pixels`"
        )
    return F.log_softmax(_at_least_float32(logits), dim=1)


def log_sigmoid_pair(logits: Tensor) -> Tensor:
    """Return log p of the classes good and defective, (B, 2, H, W), of one logit a pixel (B, 1, H, W)."""
    logits = _at_least_float32(logits)
    return torch.cat([F.logsigmoid(-logits), F.logsigmoid(logits)], dim=1)


def given(log_p: Tensor, target: Tensor) -> Tensor:
    """Return log p_t, (B, ...): that of the given class of every sample."""
    return log_p.gather(1, target[:, None]).squeeze(1)


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
