"""The size gate: no bundle is written for a network that is over its hard limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspector.errors import BudgetError
from search.limits.cost import BYTES_PER_PARAMETER, MB


@dataclass(frozen=True)
class NetworkSize:
    """What a network takes on the device."""

    parameters: int
    file_bytes: int
    macs: int

    @property
    def size_mb(self) -> float:
        """Megabytes (10^6): four bytes a parameter, or the file where that is more."""
        return max(self.parameters * BYTES_PER_PARAMETER, self.file_bytes) / MB


@dataclass(frozen=True)
class Budget:
    """Hard limits; None switches one off. The defaults are the target's own: [D] Sec. 5.3.1."""

    max_params_m: float | None = 40.0
    max_size_mb: float | None = 160.0
    max_macs_g: float | None = None

    def tightened_by(self, limits: dict[str, Any]) -> Budget:
        """Return the stricter of these limits and the recipe's, which have the same names."""
        return Budget(
            max_params_m=_stricter(self.max_params_m, limits.get("max_params_m")),
            max_size_mb=_stricter(self.max_size_mb, limits.get("max_size_mb")),
            max_macs_g=_stricter(self.max_macs_g, limits.get("max_macs_g")),
        )

    def check(self, size: NetworkSize) -> str:
        """Return a line with each figure and its limit.

        Raises:
            BudgetError: a figure is above its limit; the sentence has both.
        """
        rows = (
            ("million parameters", size.parameters / 1e6, self.max_params_m),
            ("MB", size.size_mb, self.max_size_mb),
            ("billion multiply-adds", size.macs / 1e9, self.max_macs_g),
        )
        for unit, value, limit in rows:
            if limit is not None and value > limit:
                raise BudgetError(
                    f"the network has {value:.4g} {unit}, the limit is {limit:.4g}; "
                    "search a smaller one (narrower width, more separable nodes)"
                )
        return ", ".join(
            f"{value:.4g} {unit}" + (f" of {limit:.4g}" if limit is not None else "")
            for unit, value, limit in rows
        )


def _stricter(one: float | None, other: float | None) -> float | None:
    given = [limit for limit in (one, other) if limit is not None]
    return min(given) if given else None
