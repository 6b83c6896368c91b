"""Hard limits of a device, checked before anything is trained.

Source: [D] Sec. 5.2.4, Eq. 5.6 (M(N) <= 160 MB).
Differs from the source: parameters, multiply-adds and predicted latency can be limited too.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from inspector.latency import DeviceProfile, open_profile
from search.limits.cost import NetworkCost, network_cost
from search.limits.latency import predicted_ms
from search.nets.spec import NetworkSpec
from search.recipe import LimitsRecipe


def profile_of(limits: LimitsRecipe) -> DeviceProfile | None:
    """Return the profile of the limits' device, or None where they name none.

    Raises:
        InputError: there is no such profile.
    """
    return None if limits.device is None else open_profile(limits.device)


def device_record(limits: LimitsRecipe) -> dict[str, Any] | None:
    """Return which profile latency is predicted from, and the fingerprint of its content; errors as above."""
    profile = profile_of(limits)
    if profile is None:
        return None
    return {
        "name": profile.name,
        "basis": profile.basis,
        "precision": profile.precision,
        "relative_error": profile.relative_error,
        "fingerprint": hashlib.sha256(profile.model_dump_json().encode()).hexdigest(),
    }


def limited_cost(spec: NetworkSpec, size_hw: tuple[int, int], limits: LimitsRecipe) -> NetworkCost:
    """Count the network of `spec`, with its predicted latency where the limits name a device."""
    cost, profile = network_cost(spec, size_hw), profile_of(limits)
    if profile is None:
        return cost
    return replace(cost, latency_ms=predicted_ms(spec, size_hw, profile))


def violations(cost: NetworkCost, limits: LimitsRecipe) -> list[str]:
    """Say which limits `cost` is over, one phrase each; an empty list means that it fits."""
    figures = [
        ("parameters", cost.params / 1e6, limits.max_params_m, "M"),
        ("size", cost.size_mb, limits.max_size_mb, "MB"),
        ("multiply-adds", cost.macs_g, limits.max_macs_g, "G"),
        ("latency", cost.latency_ms, limits.max_latency_ms, "ms"),
    ]
    return [
        f"{name} {value:.4g} {unit} over {limit:g} {unit}"
        for name, value, limit, unit in figures
        if limit is not None and value is not None and value > limit
    ]
