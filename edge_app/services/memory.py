"""Whether a second model fits into memory beside the one that serves.

Source: facts/edge_reliability.md, section 5; TensorFlow Serving's availability-preserving and
resource-preserving policies.
"""

import re
from enum import Enum
from pathlib import Path
from typing import Optional

MEGABYTE = 1_000_000
RESERVE_BYTES = 300 * MEGABYTE
MEMINFO, STATUS = Path("/proc/meminfo"), Path("/proc/self/status")


class Swap(str, Enum):
    """BESIDE: the new model is loaded while the old one answers. INSTEAD: the old one is released first."""

    BESIDE = "availability-preserving"
    INSTEAD = "resource-preserving"


def plan_swap(*, available_bytes: Optional[int], needed_bytes: int) -> Swap:
    """Return how to bring in a model of `needed_bytes`; memory that cannot be measured counts as enough."""
    if available_bytes is None or available_bytes >= needed_bytes + RESERVE_BYTES:
        return Swap.BESIDE
    return Swap.INSTEAD


def estimated_bytes(num_bundle_bytes: int) -> int:
    """Guess what a model takes that was never loaded here: weights, the runtime's copies, activations."""
    return 4 * num_bundle_bytes + 50 * MEGABYTE


def available_bytes(path: Path = MEMINFO) -> Optional[int]:
    """Return MemAvailable, or None where the system does not tell it."""
    return _kilobytes(path, "MemAvailable")


def resident_bytes(path: Path = STATUS) -> Optional[int]:
    """Return this process's resident memory, or None where the system does not tell it."""
    return _kilobytes(path, "VmRSS")


def _kilobytes(path: Path, name: str) -> Optional[int]:
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text("ascii", "replace"), re.MULTILINE)
    except OSError:
        return None
    return None if match is None else int(match.group(1)) * 1024
