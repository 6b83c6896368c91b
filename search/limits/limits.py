"""Hard limits of a device, checked before anything is trained.

Source: [D] Sec. 5.2.4, Eq. 5.6 (M(N) <= 160 MB).
Differs from the source: parameters and multiply-adds can be limited too.
"""

from __future__ import annotations

from search.limits.cost import NetworkCost
from search.recipe import LimitsRecipe


def violations(cost: NetworkCost, limits: LimitsRecipe) -> list[str]:
    """Say which limits `cost` is over, one phrase each; an empty list means that it fits."""
    figures = [
        ("parameters", cost.params / 1e6, limits.max_params_m, "M"),
        ("size", cost.size_mb, limits.max_size_mb, "MB"),
        ("multiply-adds", cost.macs_g, limits.max_macs_g, "G"),
    ]
    return [
        f"{name} {value:.4g} {unit} over {limit:g} {unit}"
        for name, value, limit, unit in figures
        if limit is not None and value > limit
    ]
