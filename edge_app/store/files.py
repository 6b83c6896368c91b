"""Photos and score maps on disk: what a row names has all its bytes, even after a power cut.

Source: facts edge_reliability, section 1, "Blob ordering": write, fsync, rename, fsync of the folder, and
only then the row. On removal the row goes first.
Differs from the source: the map of a result whose photo was begun early gets its name first and its bytes
after it, both before the row; see `edge_app.store.early`.
"""

import logging
import os
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import BinaryIO, Dict, Iterable, Iterator, List, Sequence, Set, Tuple

from inspector.output_file import sync_path

logger = logging.getLogger(__name__)

SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png", "image/bmp": ".bmp"}
SCORE_SUFFIX = ".score"
TEMPORARY_SUFFIX = ".part"
HOUR_MS = 3600 * 1000
SYNC_DATA = getattr(os, "fdatasync", os.fsync)  # without the journal where only bytes changed; not on macOS
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class NewFile:
    """A file that is to be written; with `is_durable` it is on disk already, its name too."""

    path: Path
    data: bytes
    is_durable: bool = False


@dataclass(frozen=True)
class Beginning:
    """A photo that is to be written before its result is known, and the place of its score map."""

    photo: NewFile
    score_path: Path
    score_bytes: int


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
    written: List[Tuple[NewFile, BinaryIO]] = []
    folders: Set[Path] = set()
    for new in files:
        if new.is_durable:
            continue
        try:
            folders |= _make_folder(new.path.parent)
            written.append((new, _write_part(new)))
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
                {new.path: error for new, _ in written if folder in (new.path.parent, *new.path.parents)}
            )
    remove_files(path for path, error in failures.items() if not isinstance(error, FileExistsError))
    return failures


def begin_files(batch: Sequence[Beginning]) -> Dict[Path, OSError]:
    """Write and name photos whose results are still being found out, and zeros where their maps will be.

    All is durable then, but for the photos whose errors are returned: one could not be written, a name of the
    two is taken, or it is the first of its hour, since only `write_files` makes folders and syncs them.
    Nothing new is left of those. All are written before the first is synced, as in `write_files`.

    The zeros are written and not only reserved: bytes that take their place need no journal of the file
    system, and a journal waits for what others write.
    """
    failures: Dict[Path, OSError] = {}
    written: List[Tuple[Beginning, BinaryIO, BinaryIO]] = []
    for new in batch:
        try:
            written.append((new, *_write_two(new)))
        except OSError as error:
            failures[new.photo.path] = error
    named: List[Beginning] = []
    for new, photo, score in written:
        try:
            with photo, score:
                os.fsync(score.fileno())
                _publish(new.photo.path, photo)
            named.append(new)
        except OSError as error:
            failures[new.photo.path] = error
            remove_files([new.photo.path, new.score_path])
    for folder in sorted({new.photo.path.parent for new in named}):
        try:
            sync_path(folder)
        except OSError as error:
            there = [new for new in named if new.photo.path.parent == folder]
            failures.update({new.photo.path: error for new in there})
            remove_files([path for new in there for path in (new.photo.path, new.score_path)])
    return failures


def fill_file(new: NewFile) -> NewFile:
    """Write the bytes of a file that has its name already, in the place of its zeros, and sync them.

    It is returned as `write_files` takes it. Zeros may be left at its end; see `trim_file`.

    Raises:
        OSError: it cannot be written; it is removed.
    """
    try:
        with new.path.open("r+b") as handle:
            handle.write(new.data)
            handle.flush()
            SYNC_DATA(handle.fileno())
    except OSError:
        remove_files([new.path])
        raise
    return replace(new, is_durable=True)


def trim_file(new: NewFile) -> None:
    """Give back the zeros behind the bytes of a filled file. Whoever reads it can do without: not synced."""
    try:
        os.truncate(str(new.path), len(new.data))
    except OSError as error:
        logger.info("%s keeps the zeros at its end: %s", new.path.name, error)


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


def _write_two(new: Beginning) -> Tuple[BinaryIO, BinaryIO]:
    photo = _write_part(new.photo)
    try:
        score = new.score_path.open("xb")
    except OSError:
        photo.close()
        _part(new.photo.path).unlink()
        raise
    try:
        score.write(bytes(new.score_bytes))
        score.flush()
    except OSError:
        photo.close()
        score.close()
        remove_files([new.photo.path, new.score_path])
        raise
    return photo, score


def _publish(path: Path, handle: BinaryIO) -> None:
    with handle:
        os.fsync(handle.fileno())
    _part(path).replace(path)
