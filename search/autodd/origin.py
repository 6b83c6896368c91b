"""Where a network that is trained without a search comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Origin:
    """The search that found a network.

    record: What result.json says about it.
    supernet: Its checkpoint, where the training begins with the supernet's weights.
    """

    record: dict[str, Any] = field(default_factory=dict)
    supernet: Path | None = None


NO_ORIGIN = Origin()
