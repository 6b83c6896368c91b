"""Unpacks zip and tar archives from the internet: nothing lands outside the folder, links are refused.

Members are checked by hand because Python 3.8 has no tarfile filters.
"""

import lzma
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Iterator, Optional, Tuple

from inspector.errors import InspectorError, StorageError

Member = Tuple[str, int, Optional[IO[bytes]]]  # name, size, content; None for a folder
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError)


def unpack(archive: Path, folder: Path, *, strip: int = 0) -> int:
    """Unpack into a new `folder`, all or nothing, and return the number of files.

    Args:
        strip: How many leading folders of the names in the archive are dropped.

    Raises:
        InspectorError: no zip or tar archive, damaged, or a member that is a link or points outside.
        StorageError: no space, or `folder` exists.
    """
    if folder.exists():
        raise StorageError(f"{folder} exists; remove it or choose another folder with --out")
    try:
        with _staging_folder(folder) as staging:
            num_files = _extract(archive, staging, strip)
            staging.replace(folder)
    except OSError as error:
        raise StorageError(
            f"cannot unpack into {folder}: {error.strerror}; make room and run it again"
        ) from error
    except _BROKEN as error:
        cause = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise InspectorError(f"{archive} is damaged ({cause}); remove it and download it again") from error
    return num_files


@contextmanager
def _staging_folder(folder: Path) -> Iterator[Path]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    top = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=str(folder.parent)))
    staging = top / folder.name
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(str(top), ignore_errors=True)


def _extract(archive: Path, folder: Path, strip: int) -> int:
    num_files = 0
    for name, size, content in _members(archive):
        parts = safe_parts(name, archive=archive)[strip:]
        if content is None or not parts:
            continue
        target = folder.joinpath(*parts)
        free = shutil.disk_usage(str(folder)).free
        if size > free:
            raise StorageError(f"{name} of {archive} needs {size:,} bytes, {free:,} are free; make room")
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        num_files += 1
    if not num_files:
        raise InspectorError(f"{archive} holds no files; remove it and download it again")
    return num_files


def safe_parts(name: str, *, archive: Path) -> Tuple[str, ...]:
    """Return the parts of a member's name.

    Raises:
        InspectorError: the name is absolute, goes up, or holds a drive, a backslash or a NUL.
    """
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or any(char in name for char in "\\:\0"):
        raise InspectorError(f"{archive} holds the name {name!r}, which points outside; it was not unpacked")
    return parts


def _members(archive: Path) -> Iterator[Member]:
    if zipfile.is_zipfile(str(archive)):
        return _zip_members(archive)
    return _tar_members(archive)


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(str(archive)) as file:
        for info in file.infolist():
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _no_plain_file(archive, info.filename)
            if info.is_dir():
                yield info.filename, 0, None
                continue
            with file.open(info) as content:
                yield info.filename, info.file_size, content


def _tar_members(archive: Path) -> Iterator[Member]:
    with tarfile.open(str(archive), "r:*") as file:
        for info in file:
            if not (info.isreg() or info.isdir()):
                raise _no_plain_file(archive, info.name)
            yield info.name, info.size, file.extractfile(info) if info.isreg() else None


def _no_plain_file(archive: Path, name: str) -> InspectorError:
    return InspectorError(f"{archive} holds {name!r}, which is a link or device; it was not unpacked")
