"""File writes that survive a power cut: the file is synced, then the folder that names it.

Source: facts/edge_reliability.md, section 1 (blob ordering).
"""

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from inspector.errors import StorageError
from inspector.output_file import sync_path, write_synced


def replace_synced(path: Path, data: bytes) -> None:
    """Put a file with `data` in the place of `path`: after a crash it is the old or the new one."""
    fresh = path.with_name(f".{path.name}.new")
    write_synced(fresh, data)
    fresh.replace(path)
    sync_path(path.parent)


@contextmanager
def removed(folder: Path) -> Iterator[None]:
    """Run the block without `folder` being there before, and without leaving it behind."""
    shutil.rmtree(str(folder), ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another folder"
        ) from error
