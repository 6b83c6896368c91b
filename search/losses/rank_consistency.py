"""Theorem 1 as numbers: what symmetric label noise makes of the risk of a classifier.

Source: [D] Sec. 2.3, Theorem 1 and its proof.
Differs from the source: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NoisyRisk:
    """The line on which the risk with noisy labels lies over the risk with clean ones, for a symmetric loss.

    Args:
        eta: Chance that a label is flipped, to each other class alike.
        constant: C, the sum of the loss over all classes.
    """

    eta: float
    num_classes: int
    constant: float

    @property
    def intercept(self) -> float:
        return self.eta * self.constant / (self.num_classes - 1)

    @property
    def slope(self) -> float:
        return 1.0 - self.eta * self.num_classes / (self.num_classes - 1)

    @property
    def keeps_the_order(self) -> bool:
        """Whether the better of two classifiers stays the better one: eta below (c - 1) / c."""
        return self.slope > 0.0

    def __call__(self, clean_risk: float) -> float:
        """Return the risk with noisy labels.

        >>> NoisyRisk(eta=0.6, num_classes=10, constant=18.0)(0.0)  # MAE of a perfect classifier
        1.2
        """
        return self.intercept + self.slope * clean_risk
