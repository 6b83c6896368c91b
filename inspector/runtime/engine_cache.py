"""Engines that were built on this device, each under a key of everything that it depends on.

An entry appears whole by one rename. It is read only when every byte is as it was written: a stale entry has
another key, a corrupt one is removed, and both are built again.

Source: facts/jetson.md, section 5; facts/edge_reliability.md, section 5.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Optional

from inspector.errors import StorageError
from inspector.output_file import sync_path

ENTRY = "entry.json"
MAX_ENTRIES = 4
_SCRATCH = ".building-"


@dataclass(frozen=True)
class EngineKey:
    """What an engine depends on; a change of any field is another engine."""

    model_sha256: str
    backend: str
    backend_version: str
    tensorrt_version: str
    gpu: str
    precision: str
    workspace_mb: int
    power_mode: str

    @property
    def digest(self) -> str:
        """The name of the entry."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


class EngineCache:
    """A folder with one subfolder an engine; the oldest go when there are more than `MAX_ENTRIES`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, key: EngineKey) -> Optional[Path]:
        """Return the folder of the engine, or None; one that was changed is removed."""
        folder = self._root / key.digest
        if _is_whole(folder, key):
            return folder
        self.drop(key)
        return None

    def drop(self, key: EngineKey) -> None:
        """Remove the engine, if it is there."""
        shutil.rmtree(str(self._root / key.digest), ignore_errors=True)

    @contextmanager
    def building(self, key: EngineKey) -> Iterator[Path]:
        """Give an empty folder to build in; it becomes the entry when the block ends without an error.

        Raises:
            StorageError: the cache cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._sweep()
            scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=str(self._root)))
            descriptor = os.open(str(scratch), os.O_RDONLY)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            _lock(descriptor)
            yield scratch
            self._keep(scratch, key)
        finally:
            shutil.rmtree(str(scratch), ignore_errors=True)
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what builds have left that were killed: nobody holds their lock."""
        for folder in self._root.glob(f"{_SCRATCH}*"):
            with suppress(OSError):
                descriptor = os.open(str(folder), os.O_RDONLY)
                try:
                    if _lock(descriptor):
                        shutil.rmtree(str(folder), ignore_errors=True)
                finally:
                    os.close(descriptor)

    def _keep(self, scratch: Path, key: EngineKey) -> None:
        try:
            sums = _sums(scratch)
            (scratch / ENTRY).write_text(json.dumps({"key": asdict(key), "sha256": sums}, indent=2))
            for file in scratch.iterdir():
                sync_path(file)
            self.drop(key)
            self._rename(scratch, key)
            sync_path(self._root)
            self._prune(keep=key.digest)
        except OSError as error:
            raise self._unwritable(error) from error

    def _rename(self, scratch: Path, key: EngineKey) -> None:
        try:
            scratch.replace(self._root / key.digest)
        except OSError:
            if self.find(key) is None:  # another server that shares the cache may have been faster
                raise

    def _prune(self, *, keep: str) -> None:
        entries = [path for path in self._root.iterdir() if path.is_dir() and not path.name.startswith(".")]
        entries.sort(key=lambda path: (path.name == keep, path.stat().st_mtime))
        for path in entries[:-MAX_ENTRIES]:
            shutil.rmtree(str(path), ignore_errors=True)

    def _unwritable(self, error: OSError) -> StorageError:
        return StorageError(
            f"the engine cache {self._root} cannot be written: {error.strerror or error}; "
            "free some space, or choose another folder with INSPECTOR_ENGINE_CACHE"
        )


def default_cache() -> Path:
    """Return INSPECTOR_ENGINE_CACHE, else `visual-inspector/engines` in the user's cache folder."""
    chosen = os.environ.get("INSPECTOR_ENGINE_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "visual-inspector" / "engines"


def _is_whole(folder: Path, key: EngineKey) -> bool:
    try:
        entry = json.loads((folder / ENTRY).read_text())
        return bool(entry == {"key": asdict(key), "sha256": _sums(folder)})
    except (OSError, ValueError):
        return False


def _sums(folder: Path) -> Dict[str, str]:
    files: List[Path] = sorted(path for path in folder.iterdir() if path.name != ENTRY)
    return {file.name: _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    return digest.hexdigest()


def _lock(descriptor: int) -> bool:
    """Lock a folder until its descriptor is closed, also by a kill; say whether it is ours."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system that knows no locks
        return False
    return True
