"""Arrays that an interrupted check has computed already, one file a piece, whole or not there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inspector.output_file import write_file

Arrays = Mapping[str, npt.NDArray[np.generic]]


class Kept:
    """A folder of .npz files; a damaged one counts as missing and is computed again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> dict[str, npt.NDArray[np.generic]] | None:
        """Return the arrays called `name`; None where they are not there."""
        try:
            with np.load(self._folder / f"{name}.npz", allow_pickle=False) as found:
                return {key: found[key] for key in found.files}
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None

    def save(self, name: str, arrays: Arrays) -> None:
        """Keep arrays under a name; StorageError where that fails."""
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        write_file(self._folder / f"{name}.npz", content.getvalue())

    def has(self, name: str) -> bool:
        """Return whether the arrays are there, undamaged or not."""
        return (self._folder / f"{name}.npz").is_file()
