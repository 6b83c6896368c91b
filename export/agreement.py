"""Thresholds at which two precisions of one network give every calibration image the same verdict."""

from __future__ import annotations

from collections.abc import Sequence


def agreed_threshold(
    threshold: float, first: Sequence[float], second: Sequence[float], *, headroom: float
) -> float:
    """Return the lowest threshold, not below `threshold`, that parts no image's pair of critical ones.

    An image is rejected above its critical threshold by either network. Never above the largest critical
    threshold and the headroom, nor above 1.

    Args:
        first, second: The critical thresholds of the images in one precision and in the other.
        headroom: Least distance from any of them.

    >>> agreed_threshold(0.30, [0.1, 0.30, 0.6], [0.1, 0.34, 0.5], headroom=0.01)
    0.35
    """
    pairs = sorted((min(pair), max(pair)) for pair in zip(first, second, strict=True))
    for low, high in pairs:
        if low - headroom < threshold < high + headroom:
            threshold = high + headroom
    return min(1.0, threshold)
