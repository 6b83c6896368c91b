"""Writes one file whole or not at all, so that it is still there after a power cut.

Source: facts/edge_reliability.md, section 1: a rename is durable only when the folder is synced.
"""

import os
import tempfile
from pathlib import Path

from inspector.errors import StorageError


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> Path:
    """Write `data` to `path`, whose folder is made where it is missing, and return `path` when it is on disk.

    Args:
        mode: Permissions of the file; until it has them nobody but its owner can read it.

    Raises:
        StorageError: it cannot be written; what was there before is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=str(path.parent))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink()
            raise
        sync_path(path.parent)
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another folder"
        ) from error
    return path


def write_synced(path: Path, data: bytes) -> None:
    """Write one file and sync it; its folder is made where it is missing, and not synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_path(path: Path) -> None:
    """Make durable a file's bytes, or what was created, renamed or removed in a folder last."""
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
