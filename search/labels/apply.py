"""Writes a cleaned copy of the data as a reviewed patch says, with a log, and takes it back again.

The data is only ever read. The copy is made beside its place under another name and gets its own when it is
whole; a place where something is already is never touched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from inspector.errors import InputError, RunError, StorageError
from inspector.groups import GROUPS_FILE
from inspector.image_file import read_mask_any_size
from inspector.patch import Patch, read_patch
from inspector.render import encode_png
from search.events import EventLog
from search.labels.apply_plan import REMOVE, ApplyPlan, plan_apply
from search.labels.labelled import LABELS_FILE
from search.labels.material import Material, open_material

LOG_FILE = "labels_applied.jsonl"


@dataclass(frozen=True)
class Applied:
    """What was done, or with a dry run would be."""

    out: Path
    plan: ApplyPlan
    num_files: int
    dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        return {
            "out": str(self.out),
            "dry_run": self.dry_run,
            "files": self.num_files,
            "changes": [asdict(change) for change in self.plan.changes],
            "undecided": self.plan.num_undecided,
        }


@dataclass(frozen=True)
class Undone:
    """What an undo removed, and what it left because somebody has changed or added it since."""

    num_removed: int
    kept: tuple[str, ...]


def data_of(patch: Patch, data: Path | None) -> Path:
    """Return the folder that a patch is about: the one given, or the one that its header remembers."""
    if data is not None:
        return data
    if not patch.header.data:
        raise InputError("the patch does not say where its data lies; give the folder with --data DIR")
    return Path(patch.header.data)


def apply_patch(
    patch_file: Path,
    out: Path,
    *,
    data: Path | None = None,
    link: bool = False,
    dry_run: bool = False,
    allow_new_labels: bool = False,
    on_file: Callable[[], object] = lambda: None,
) -> Applied:
    """Write the cleaned copy `out` of the data of a patch.

    Args:
        link: Write symbolic links to unchanged files instead of copies of them.
        dry_run: Decide everything, check everything, write nothing.

    Raises:
        PatchError: the patch is damaged, was made for other data, or contradicts itself.
        StorageError: something is at `out` already, or it cannot be written.
        DatasetError: the data cannot be read.
    """
    patch = read_patch(patch_file)
    material = open_material(data_of(patch, data))
    _check_place(out, material.root)
    patch.check_made_for(material.fingerprint())
    plan = plan_apply(material, patch, allow_new_labels=allow_new_labels)
    files = sorted(_all_files(material.root))
    if not dry_run:
        header = {
            "patch": str(patch_file.resolve()),
            "patch_sha256": _sha256(patch_file),
            "data": str(material.root),
            "fingerprint": patch.header.fingerprint,
            "linked": link,
        }
        _Copy(material, plan, link=link, on_file=on_file).write(out, files, header)
    return Applied(out, plan, len(files), dry_run)


class _Copy:
    def __init__(
        self, material: Material, plan: ApplyPlan, *, link: bool, on_file: Callable[[], object]
    ) -> None:
        self._root, self._plan, self._link, self._on_file = material.root, plan, link, on_file

    def write(self, out: Path, files: list[str], header: dict[str, Any]) -> None:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
            try:
                part.chmod(0o755)
                with EventLog(part / LOG_FILE) as log:
                    log.write("apply", when=_now(), **header)
                    for change in self._plan.changes:
                        log.write("change", **asdict(change))
                    for name in files:
                        log.write("file", **self._write_one(name, part))
                        self._on_file()
                _check_place(out, self._root)
                part.rename(out)
            except BaseException:
                shutil.rmtree(part, ignore_errors=True)
                raise
        except OSError as error:
            raise StorageError(
                f"cannot write {out}: {error.strerror or error}; free some space or choose another folder"
            ) from error

    def _write_one(self, name: str, part: Path) -> dict[str, str]:
        to = self._plan.moves.get(name, name)
        source, target = self._root / name, part / to
        target.parent.mkdir(parents=True, exist_ok=True)
        content = self._new_content(name)
        if content is not None:
            target.write_bytes(content)
        elif self._link:
            target.symlink_to(source)
        else:
            shutil.copy2(source, target)
        return {"to": to, "source": name, "sha256": _sha256(target)}

    def _new_content(self, name: str) -> bytes | None:
        """Return what a file holds in the copy; None: what it holds already."""
        plan = self._plan
        if name in plan.regions:
            mask = read_mask_any_size(self._root / name)
            for region in plan.regions[name]:
                mask = region.applied_to(mask)
            return encode_png(mask * 255)
        if name in (LABELS_FILE, GROUPS_FILE) and (plan.moves or plan.labels):
            return rewritten_list((self._root / name).read_bytes(), plan, is_labels=name == LABELS_FILE)
        return None


def rewritten_list(content: bytes, plan: ApplyPlan, *, is_labels: bool) -> bytes:
    """Return a labels.csv or groups.csv with the new paths and labels; columns and order stay."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    removed = {change.file for change in plan.changes if change.label == REMOVE} if is_labels else set()
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, reader.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    for row in reader:
        name = row["file"].strip().replace("\\", "/")
        if name in removed:
            continue
        row["file"] = plan.moves.get(name, row["file"])
        if is_labels:
            row["label"] = plan.labels.get(name, row["label"])
        writer.writerow(row)
    return out.getvalue().encode()


def undo_apply(out: Path) -> Undone:
    """Remove a copy that `apply_patch` has written, and nothing else.

    Files that were changed or added since are left, with their folders and the log.

    Raises:
        InputError: `out` is no such copy.
    """
    log = out / LOG_FILE
    try:
        written = [event for event in EventLog.read(log) if event["kind"] == "file"]
    except (OSError, RunError) as error:
        raise InputError(f"{log} cannot be read ({error}); nothing was removed") from error
    if not written:
        raise InputError(
            f"{out} was not written by `inspector labels apply`: it has no {LOG_FILE}; nothing was removed"
        )
    num_removed = 0
    for event in written:
        target = out / event["to"]
        if not _is_inside(target, out) or not target.is_file() or _sha256(target) != event["sha256"]:
            continue
        target.unlink()
        num_removed += 1
    kept = tuple(sorted(name for name in _all_files(out) if name != LOG_FILE))
    if not kept:
        log.unlink()
    _remove_empty_folders(out)
    return Undone(num_removed, kept)


def _check_place(out: Path, root: Path) -> None:
    if out.exists() or out.is_symlink():
        raise StorageError(f"{out} is there already and is not overwritten; choose another --out folder")
    if _is_inside(out, root):
        raise InputError(
            f"{out} lies inside the data {root}, which is never changed; choose an --out outside"
        )


def _is_inside(path: Path, folder: Path) -> bool:
    parent, folder = path.parent.resolve(), folder.resolve()
    return parent == folder or folder in parent.parents


def _all_files(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield (Path(folder) / name).relative_to(root).as_posix()


def _remove_empty_folders(root: Path) -> None:
    for folder, _, _ in sorted(os.walk(root, topdown=False), key=lambda found: -len(found[0])):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
