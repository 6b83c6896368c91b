"""Photos and score maps on disk: a name that can be seen has all its bytes, even after a power cut.

Source: facts edge_reliability, section 1, "Blob ordering": write, fsync, rename, fsync of the folder, and
only then the row. On removal the row goes first.
"""

import logging
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

from inspector.output_file import sync_path

logger = logging.getLogger(__name__)

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/bmp": ".bmp"}
SCORE_SUFFIX = ".score"
TEMPORARY_SUFFIX = ".part"
HOUR_MS = 3600 * 1000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class NewFile:
    """A file that is to be written; with `is_synced` its bytes are on disk, under another name still."""

    path: Path
    data: bytes
    is_synced: bool = False


def hour_of(created_ms: int) -> int:
    """Return the beginning of the hour, UTC, in ms."""
    return created_ms // HOUR_MS * HOUR_MS


class ResultFiles:
    """The tree `yyyy/mm/dd/hh/ID.jpg` and `ID.score`, by the result's own time, UTC."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, created_ms: int) -> Path:
        """Return the folder of the hour."""
        return self.root / (EPOCH + timedelta(milliseconds=created_ms)).strftime("%Y/%m/%d/%H")

    def photo_path(self, result_id: str, created_ms: int, media_type: str) -> Path:
        """Return where the photo is, or would be."""
        return self.folder(created_ms) / (result_id + SUFFIXES.get(media_type, ".bin"))

    def score_path(self, result_id: str, created_ms: int) -> Path:
        """Return where the score map is, or would be."""
        return self.folder(created_ms) / (result_id + SCORE_SUFFIX)

    def hours(self) -> Iterator[int]:
        """Yield the hours that have a folder, oldest first, in ms."""
        for folder in sorted(self.root.glob("[0-9]*/[0-9]*/[0-9]*/[0-9]*")):
            try:
                time = datetime.strptime("/".join(folder.parts[-4:]), "%Y/%m/%d/%H")
            except ValueError:
                continue
            yield int((time.replace(tzinfo=timezone.utc) - EPOCH).total_seconds()) * 1000


def write_files(files: Sequence[NewFile]) -> Dict[Path, OSError]:
    """Write all files, durably, and return the error of each that could not be written.

    All are written before the first is synced: the file system then commits them together.
    """
    failures: Dict[Path, OSError] = {}
    written: List[Tuple[NewFile, Optional[BinaryIO]]] = []
    folders: Set[Path] = set()
    for new in files:
        try:
            folders |= _make_folder(new.path.parent)
            written.append((new, None if new.is_synced else _write_part(new)))
        except OSError as error:
            failures[new.path] = error
    for new, handle in written:
        try:
            _publish(new.path, handle)
        except OSError as error:
            failures[new.path] = error
    for folder in sorted(folders):
        try:
            sync_path(folder)
        except OSError as error:
            failures.update(
                {new.path: error for new in files if folder in (new.path.parent, *new.path.parents)}
            )
    remove_files(path for path, error in failures.items() if not isinstance(error, FileExistsError))
    return failures


def write_early(new: NewFile) -> NewFile:
    """Write and sync the bytes of a file whose result is still being found out; `write_files` names it.

    Raises:
        OSError: it cannot be written, or is the first of its hour: only `write_files` makes folders, since it
            syncs them. Nothing is left of it.
    """
    handle = _write_part(new)
    try:
        with handle:
            os.fsync(handle.fileno())
    except OSError:
        remove_unnamed(new.path)
        raise
    return replace(new, is_synced=True)


def remove_files(paths: Iterable[Path]) -> int:
    """Unlink what is there of `paths` and of their unfinished copies; return how many files went."""
    num_removed = 0
    for path in paths:
        for name in (path, _part(path)):
            try:
                name.unlink()
                num_removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.warning("cannot remove %s: %s; the next sweep tries again", name, error)
    return num_removed


def remove_unnamed(path: Path) -> None:
    """Unlink the unfinished copy of `path`, if there is one."""
    remove_files([_part(path)])


def _make_folder(folder: Path) -> Set[Path]:
    """Make `folder` and return the folders whose names change with a file in it."""
    changed = {folder}
    missing = folder
    while not missing.exists():
        missing = missing.parent
        changed.add(missing)
    folder.mkdir(parents=True, exist_ok=True)
    return changed


def _part(path: Path) -> Path:
    return path.with_name(path.name + TEMPORARY_SUFFIX)


def _write_part(new: NewFile) -> BinaryIO:
    if new.path.exists():
        raise FileExistsError(f"{new.path.name} is there already")
    handle = _part(new.path).open("wb")
    try:
        handle.write(new.data)
        handle.flush()
    except OSError:
        handle.close()
        _part(new.path).unlink()
        raise
    return handle


def _publish(path: Path, handle: Optional[BinaryIO]) -> None:
    if handle is not None:
        with handle:
            os.fsync(handle.fileno())
    _part(path).replace(path)
