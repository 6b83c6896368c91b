"""The latency gate: what the network is predicted to take on its device, and the limit of the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inspector.errors import BudgetError
from inspector.latency import open_profile, predict, shipped_names
from inspector.manifest import LayerRecord


def check_latency(layers: Sequence[LayerRecord], limits: dict[str, Any], *, target: str) -> str:
    """Return a line with the predicted milliseconds, their error and the limit.

    Args:
        limits: Of the recipe; its `device` counts, else the prior of `target` where there is one.

    Raises:
        BudgetError: the prediction is above `max_latency_ms`; the sentence has both.
        InputError: the device's profile cannot be read.
    """
    device, limit_ms = limits.get("device"), limits.get("max_latency_ms")
    if device is None and target not in shipped_names():
        return f"not predicted: no profile of the target {target}; `inspector profile` measures one there"
    profile = open_profile(device or target)
    prediction = predict(layers, profile)
    low_ms, high_ms = prediction.range_ms
    if limit_ms is not None and prediction.total_ms > limit_ms:
        raise BudgetError(
            f"the network is predicted to take {prediction.total_ms:.4g} ms on {profile.name}, the limit is "
            f"{limit_ms:.4g} ms; search under this limit, with a narrower width, or measure the device with "
            "`inspector profile`"
        )
    limited = "" if limit_ms is None else f" of {limit_ms:.4g}"
    return (
        f"{prediction.total_ms:.4g} ms{limited} predicted on {profile.name}, typically {low_ms:.3g} to "
        f"{high_ms:.3g} ({profile.basis}, {profile.precision})"
    )
