"""The bundle that comes with the program: an inspector of the built-in part; a fresh copy can serve it."""

from pathlib import Path
from typing import Optional

NAME = "demo_part"
# Beside the packages in a clone, inside the package where it was installed.
_PLACES = (Path(__file__).resolve().parent.parent / "models", Path(__file__).resolve().parent / "models")


def shipped_bundle() -> Optional[Path]:
    """Return the folder of the shipped bundle, or None where it was left out of this installation."""
    for place in _PLACES:
        if (place / NAME / "manifest.json").is_file():
            return place / NAME
    return None
