"""Puts the files of a bundle on disk: whole or not at all, the same bytes for the same files."""

import io
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Mapping

from inspector.bundle_archive import SUMS
from inspector.errors import BundleError, StorageError
from inspector.output_file import sync_path, write_file, write_synced

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


ZIP_SUFFIX = ".bundle"


def write_files(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` to `path`: as a zip when it ends in `.bundle`, else as a folder; errors as those two."""
    write = write_zip if path.suffix == ZIP_SUFFIX else write_folder
    write(path, files)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` as one zip, stored, with fixed times and order.

    Raises:
        BundleError: `path` is a folder.
        StorageError: it cannot be written; nothing is left behind.
    """
    if path.is_dir():
        raise BundleError(f"{path} is a folder; give another name or remove it")
    buffer = io.BytesIO()
    # Stored, not deflated: weights hardly shrink, and the bytes do not depend on the version of zlib.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=_ZIP_EPOCH)
            info.create_system = 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name])
    write_file(path, buffer.getvalue())


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` as a folder.

    Raises:
        BundleError: `path` is there and holds something that is not a bundle.
        StorageError: it cannot be written; nothing is left behind.
    """
    if path.exists() and not _may_replace(path):
        raise BundleError(f"{path} exists and is not a bundle; give another name or remove it")
    with _storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=str(path.parent)))
        try:
            for name in sorted(files):
                write_synced(scratch / "new" / name, files[name])
            _swap(path, fresh=scratch / "new", old=scratch / "old")
        finally:
            shutil.rmtree(str(scratch), ignore_errors=True)
        sync_path(path.parent)


def _swap(path: Path, *, fresh: Path, old: Path) -> None:
    """Put `fresh` where `path` is; what was there is back if that fails."""
    if path.exists():
        path.replace(old)
    try:
        fresh.replace(path)
    except OSError:
        if old.exists():
            old.replace(path)
        raise


def _may_replace(path: Path) -> bool:
    return path.is_dir() and ((path / SUMS).is_file() or not any(path.iterdir()))


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror or error}; free some space or choose another folder"
        ) from error
