"""Feasible checkpoints on disk: the best of them becomes the tuned network.

A trial writes its weights when it meets all constraints. Under ACE that happens only to checkpoints better
than every feasible one before, so few are written. Nodes of a cluster have to share the run folder.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector.errors import RunError
from search.training.checkpoint import load_checkpoint, save_checkpoint


@dataclass(frozen=True)
class Candidates:
    """The folder of the feasible checkpoints of one tuning run."""

    folder: Path

    def save(self, trial: str, iteration: int, weights: dict[str, Any]) -> None:
        """Write the weights of a checkpoint; a second time they are written again."""
        save_checkpoint(self._path(trial, iteration), {"net": weights})

    def load(self, trial: str, iteration: int) -> dict[str, Any]:
        """Return the weights of a checkpoint.

        Raises:
            RunError: they are not there or damaged.
        """
        state = load_checkpoint(self._path(trial, iteration))
        if state is None:
            raise RunError(
                f"the feasible checkpoint {self._path(trial, iteration)} is missing; with a cluster, the run "
                "folder has to be on storage that all nodes share; start a new run"
            )
        weights: dict[str, Any] = state["net"]
        return weights

    def keep_best(self, trial: str, iteration: int) -> None:
        """Remove the other checkpoints of a trial, all of which are worse."""
        for path in self.folder.glob(f"{trial}-*.pt"):
            if path != self._path(trial, iteration):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the folder, after the best checkpoint was promoted."""
        for path in self.folder.glob("*.pt*"):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # something of the user's lies there
            self.folder.rmdir()

    def _path(self, trial: str, iteration: int) -> Path:
        return self.folder / f"{trial}-{iteration}.pt"
