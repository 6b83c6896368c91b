"""The models of this device on disk: `versions/<digest>/`, whole or not at all, and which of them is in use.

`pointers.json` holds all pointers and is replaced by one rename, so that they can never contradict each
other: current, previous (what a rollback takes), shadow, and given (the bundle of the last command line).

Source: facts/edge_reliability.md, sections 1 and 5 (file and folder are synced before they are named).
Differs from the source: one file instead of one symbolic link a pointer; a crash between two links could
lose the model to go back to.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Optional, Sequence, Set

from pydantic import ValidationError

from edge_app.services.model_pointers import Pointers
from edge_app.services.synced_files import removed, storage_errors
from inspector.bundle import Bundle
from inspector.errors import BundleError, InputError, StorageError
from inspector.manifest import parse_manifest
from inspector.output_file import sync_path, write_synced

POINTERS, VERSIONS = "pointers.json", "versions"
MEGABYTE = 1_000_000


class UnknownModelError(InputError):
    """No model of this digest is on the device."""


@dataclass(frozen=True)
class StoredModel:
    """One model on disk. `stored_ms` is wall-clock time, UTC."""

    digest: str
    name: str
    version: str
    created: str
    num_bytes: int
    stored_ms: int


@dataclass(frozen=True)
class LibraryLimits:
    """How much is kept; models in use count, but are never removed."""

    max_models: int = 10
    max_bytes: int = 2000 * MEGABYTE


class ModelLibrary:
    """Keeps models in a folder. Not for several threads at once: ModelHost calls it from one."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: LibraryLimits = LibraryLimits(),
        on_step: Callable[[str], None] = lambda step: None,
    ) -> None:
        """Use `folder`, which is made where it is missing; leftovers of a crash are removed.

        Args:
            on_step: Told the name of each step that is done; tests stop the process there.

        Raises:
            StorageError: the folder cannot be used, or `pointers.json` is damaged.
        """
        self._folder, self._versions = folder, folder / VERSIONS
        self._limits, self._step = limits, on_step
        with storage_errors(folder):
            self._versions.mkdir(parents=True, exist_ok=True)
            sync_path(folder)
            for leftover in self._versions.glob(".*"):
                shutil.rmtree(str(leftover), ignore_errors=True)
        self.pointers = self._read_pointers()

    def path_of(self, digest: str) -> Path:
        """Return the bundle's folder.

        Raises:
            UnknownModelError: it is not on this device.
        """
        path = self._versions / digest
        if not is_digest(digest) or not path.is_dir():
            raise UnknownModelError(f"there is no model {digest[:12]} on this device; GET models lists all")
        return path

    def size_of(self, digest: str) -> int:
        """Return how many bytes the bundle has. UnknownModelError where it is not on this device."""
        return _num_bytes(self.path_of(digest))

    def models(self) -> List[StoredModel]:
        """Return what is stored, the newest first; folders that are no bundle are left out."""
        found = [self._describe(path) for path in self._versions.iterdir() if is_digest(path.name)]
        return sorted((model for model in found if model is not None), key=lambda model: -model.stored_ms)

    def add(self, bundle: Bundle) -> str:
        """Store a verified bundle and return its digest; the oldest unused models make room.

        Raises:
            StorageError: it does not fit beside the models in use, or cannot be written.
        """
        digest, path = bundle.digest, self._versions / bundle.digest
        if path.is_dir():
            os.utime(str(path))
            return digest
        self._make_room(sum(map(len, bundle.files.values())))
        incoming = self._versions / f".incoming-{digest}"
        with storage_errors(path), removed(incoming):
            for name in sorted(bundle.files):
                write_synced(incoming / name, bundle.files[name])
            self._step("written")
            for folder in [*(entry for entry in incoming.rglob("*") if entry.is_dir()), incoming]:
                sync_path(folder)
            incoming.replace(path)
            sync_path(self._versions)
        self._step("stored")
        return digest

    def remove(self, digest: str) -> None:
        """Delete one model.

        Raises:
            UnknownModelError: it is not on this device.
            InputError: it is in use.
            StorageError: it cannot be deleted.
        """
        path = self.path_of(digest)
        if digest in self.pointers.in_use:
            raise InputError(
                f"model {digest[:12]} is in use (current, previous, shadow or the one of the command line); "
                "activate another one first"
            )
        with storage_errors(path):
            doomed = self._versions / f".removed-{digest}"
            path.replace(doomed)  # one step: no half model is ever seen
            shutil.rmtree(str(doomed))
        if self.pointers.without(digest) != self.pointers:
            self.point(self.pointers.without(digest))

    def point(self, pointers: Pointers) -> None:
        """Make `pointers` the ones that hold after a crash too.

        Raises:
            StorageError: they cannot be written; the old ones hold.
        """
        fresh = self._folder / f".{POINTERS}.new"
        with storage_errors(self._folder / POINTERS):
            write_synced(fresh, pointers.to_json())
            self._step("pointers written")
            fresh.replace(self._folder / POINTERS)
            sync_path(self._folder)
        self.pointers = pointers
        self._step("pointers replaced")

    def _make_room(self, num_bytes: int) -> None:
        doomed = to_remove(
            self.models(), in_use=self.pointers.in_use, limits=self._limits, num_new_bytes=num_bytes
        )
        if doomed is None:
            raise StorageError(
                f"a model of {num_bytes / MEGABYTE:.1f} MB does not fit beside the models in use: "
                f"{self._limits.max_models} models and {self._limits.max_bytes / MEGABYTE:.0f} MB are the "
                "limit; remove the shadow model or raise the limit"
            )
        for digest in doomed:
            self.remove(digest)

    def _read_pointers(self) -> Pointers:
        path = self._folder / POINTERS
        try:
            return Pointers.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Pointers()
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"{path} says which model serves, but it cannot be read ({type(error).__name__}); "
                "remove it to start with the bundle of the command line"
            ) from error

    def _describe(self, path: Path) -> Optional[StoredModel]:
        try:
            manifest = parse_manifest((path / "manifest.json").read_bytes(), where=str(path))
            num_bytes = _num_bytes(path)
            stored_ms = int(path.stat().st_mtime * 1000)
        except (OSError, BundleError):
            return None
        return StoredModel(path.name, manifest.name, manifest.version, manifest.created, num_bytes, stored_ms)


def _num_bytes(path: Path) -> int:
    return sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())


def is_digest(text: str) -> bool:
    """Say whether `text` is a SHA-256 in lower-case hex: nothing else ever becomes a path."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def to_remove(
    models: Sequence[StoredModel], *, in_use: Set[str], limits: LibraryLimits, num_new_bytes: int
) -> Optional[List[str]]:
    """Return the digests to delete, the oldest first, before a model of `num_new_bytes` is added.

    None when it does not fit even without all unused ones.
    """
    num_models = len(models) + 1
    num_bytes = sum(model.num_bytes for model in models) + num_new_bytes
    doomed: List[str] = []
    for model in sorted(models, key=lambda model: model.stored_ms):
        if num_models <= limits.max_models and num_bytes <= limits.max_bytes:
            break
        if model.digest not in in_use:
            doomed.append(model.digest)
            num_models -= 1
            num_bytes -= model.num_bytes
    fits = num_models <= limits.max_models and num_bytes <= limits.max_bytes
    return doomed if fits else None
