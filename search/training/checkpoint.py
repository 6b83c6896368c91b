"""Checkpoints that are whole or not there, whenever the process dies."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from inspector.errors import RunError, StorageError


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that `path` holds either the old checkpoint or the new one, never a part.

    Raises:
        StorageError: no space left; the old checkpoint stays and the temporary file is removed.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except (OSError, RuntimeError) as error:  # torch.save may report a full disk as a RuntimeError
        with suppress(OSError):  # the folder itself may be what could not be made
            part.unlink()
        why = error.strerror if isinstance(error, OSError) else error
        raise StorageError(
            f"cannot write checkpoint {path}: {why}; make room and run the same command again"
        ) from error


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint onto the CPU; None where there is none.

    Raises:
        RunError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises many classes for a damaged file
        raise RunError(
            f"checkpoint {path} is damaged ({type(error).__name__}); remove the run and start again"
        ) from error
    return state


def load_checkpoint_of(path: Path, length: int, *, key: str, what: str) -> dict[str, Any] | None:
    """Read the checkpoint of a work of this length; None where there is none.

    Args:
        length: Has to stand under `key` in it.
        what: Names the work in the error, with a place for its length: `a training of {} steps`.

    Raises:
        RunError: it is of another length, or damaged.
    """
    state = load_checkpoint(path)
    if state is not None and state[key] != length:
        raise RunError(
            f"checkpoint {path} belongs to {what.format(state[key])}, not {length}; use another run folder"
        )
    return state


def load_weights(net: nn.Module, path: Path) -> None:
    """Load what the training of checkpoint `path` ends with, in place: its moving average if it keeps one.

    Raises:
        RunError: there is no such checkpoint, or it is damaged.
    """
    state = load_checkpoint(path)
    if state is None:
        raise RunError(f"checkpoint {path} is missing, but its weights are what the training begins with")
    average = state["average"]
    if average is None:
        net.load_state_dict(state["net"])
    else:
        kept = ((name.partition("."), value) for name, value in average.items())
        net.load_state_dict({name: value for (first, _, name), value in kept if first == "module"})


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
