"""Holds the device's answers against this machine's: scores within 1e-4, the same verdicts, nothing lost."""

import json
import signal
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping

import numpy as np

TOLERANCE = 1e-4
MAX_MEMORY_MB = 1500
MIN_MODULES = 30
ENDED = (0, -signal.SIGTERM)  # uvicorn ends by the signal that it was sent, once everything is closed


def main() -> None:
    """Print the comparison; exit with 1 where something differs."""
    work = Path(sys.argv[1])
    print((work / "found.json").read_text())
    for name, value in sorted(largest_difference(work).items()):
        print(f"{name:<28} differs by at most {value:.1e}")
    found = problems(work)
    print(
        "\n".join(f"PROBLEM: {problem}" for problem in found) or "the same scores and verdicts, nothing lost"
    )
    sys.exit(bool(found))


def problems(work: Path) -> List[str]:
    """Return what is not as it must be between `expected` and `found`."""
    expected, found = (json.loads((work / f"{name}.json").read_text()) for name in ("expected", "found"))
    return problems_of(expected, found, largest_difference(work))


def largest_difference(work: Path) -> Dict[str, float]:
    """Return the largest difference of each of the device's score maps from this machine's."""
    expected, found = (dict(np.load(str(work / f"{name}.npz"))) for name in ("expected", "found"))
    return {name: float(np.abs(found[name] - score).max()) for name, score in expected.items()}


def problems_of(
    expected: Mapping[str, Any], found: Mapping[str, Any], worst: Mapping[str, float]
) -> List[str]:
    """Return what is not as it must be."""
    verdicts = expected["verdicts"]
    is_close = all(value <= TOLERANCE for value in worst.values())  # false for NaN
    checks = {
        "nothing was compared": not worst or not verdicts,
        f"a score differs by more than {TOLERANCE:g}": not is_close,
        "packages were left out": found["num_imported"] < MIN_MODULES,
        "the runner gives other verdicts": found["verdicts"] != verdicts,
        "`inspector inspect` gives other verdicts": found["command_line"] != verdicts,
        "the server gives other verdicts": found["served"] != verdicts,
        "a posted photo was not stored": not found["stored"],
        "a result was lost when the server was killed": found["num_lost"] != 0,
        "a photo was lost when the server was killed": not found["photos_kept"],
        "the camera gave no frames": not found["camera_frames"],
        "the server did not end in good order": found["exit_status"] not in ENDED,
        f"the server took more than {MAX_MEMORY_MB} MB": found["memory"]["VmHWM"] > MAX_MEMORY_MB,
    }
    return [text for text, holds in checks.items() if holds]


if __name__ == "__main__":
    main()
