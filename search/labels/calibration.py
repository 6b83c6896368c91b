"""Probabilities that mean what they say: one temperature for all logits of a network.

Source: temperature, Sec. 4.2.
Differs from the source: it is fitted on the out-of-fold logits and the given labels, wrong ones among them,
so that a noisy set gets flatter probabilities and fewer proposals.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

Array = npt.NDArray[np.float64]
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 100.0


def temperature_of(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> float:
    """Return T, the divisor of logits (N, c) that makes the labels (N,) most likely."""

    def cost(log_t: float) -> float:
        log_p = log_softmax(logits / np.exp(log_t), axis=1)
        return -float(log_p[np.arange(len(labels)), labels].mean())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(cost, bounds=bounds, method="bounded").x))


def calibrated(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> Array:
    """Return the probabilities, float64 (N, c), at the temperature that fits the labels."""
    return np.asarray(softmax(logits.astype(np.float64) / temperature_of(logits, labels), axis=1))
