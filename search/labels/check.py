"""`inspector labels check`: everything that may be wrong with the labels of a folder, as a page and a patch.

The folder of the check holds `options.json`, `work/` with what an interrupted check goes on from, and at the
end `review.html`, `patch.jsonl` and `result.json`. The data is only read.
"""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from inspector import __version__
from inspector.console import Console
from inspector.errors import InputError, RunError
from inspector.output_file import write_file
from inspector.patch import Patch, PatchHeader, write_patch
from search.labels.class_check import ClassCheckSettings, check_class_labels
from search.labels.finding import KIND_NAMES, Finding
from search.labels.good_check import DEFECT, GoodCheckSettings, check_good_photos
from search.labels.jobs import Workers
from search.labels.kept import Kept
from search.labels.labelled import check_classes
from search.labels.looks import Looks, look_at_all
from search.labels.mask_check import MaskCheckSettings, check_masks
from search.labels.material import Material, open_material
from search.labels.odd import duplicate_findings, odd_findings, unreadable_findings
from search.labels.report import Review, Table, limited, render_page

MADE_BY = "inspector labels check"


@dataclass(frozen=True)
class CheckOptions:
    """What decides a check. most: findings of each kind that are shown and proposed."""

    classes: ClassCheckSettings = field(default_factory=ClassCheckSettings)
    good: GoodCheckSettings = field(default_factory=GoodCheckSettings)
    masks: MaskCheckSettings = field(default_factory=MaskCheckSettings)
    most: int = 300


@dataclass(frozen=True)
class CheckFolder:
    """Where everything of a check lies."""

    path: Path

    @property
    def patch(self) -> Path:
        return self.path / "patch.jsonl"

    @property
    def page(self) -> Path:
        return self.path / "review.html"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def options(self) -> Path:
        return self.path / "options.json"

    @contextmanager
    def claimed(self, begun: dict[str, Any]) -> Iterator[None]:
        """Hold the folder for this process and these options and data.

        Raises:
            RunError: it holds something else, or a check of other data or with other options; or another
                process works in it.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunError(f"{self.path} is a file, so no check can be written there; choose another --out")
        if self.path.is_dir() and any(self.path.iterdir()) and not self.options.is_file():
            raise RunError(f"{self.path} holds other files, and nothing is overwritten; choose another --out")
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "check.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise RunError(f"another process is working in {self.path}; wait for it to end") from error
            self._keep(begun)
            yield

    def _keep(self, begun: dict[str, Any]) -> None:
        if not self.options.is_file():
            write_file(self.options, json.dumps(begun, indent=1).encode())
            return
        before = json.loads(self.options.read_text())
        for key, value in json.loads(json.dumps(begun)).items():
            if before.get(key) != value:
                what = "of other data" if key == "fingerprint" else f"with another value of {key}"
                raise RunError(f"the check in {self.path} was begun {what}; choose another --out folder")


def run_check(
    root: Path, out: Path, *, options: CheckOptions, workers: Workers, console: Console
) -> dict[str, Any]:
    """Check a folder and return what `--json` prints; an interrupted check goes on.

    Raises:
        DatasetError: the folder cannot be checked.
        RunError: `out` holds something else.
        InputError: `out` lies inside the data.
    """
    material = open_material(root)
    if material.root in [out.resolve(), *out.resolve().parents]:
        raise InputError(
            f"{out} lies inside the data {material.root}, which is never changed; choose an --out outside"
        )
    if material.has_classes:
        check_classes(material.labelled, num_folds=options.classes.num_folds)
    folder = CheckFolder(out)
    begun = {"data": str(material.root), "fingerprint": material.fingerprint(), **asdict(options)}
    with folder.claimed(begun):
        if folder.result.is_file():
            console.say(f"{out} is finished already")
            result: dict[str, Any] = json.loads(folder.result.read_text())
            return result
        return _run(material, begun["fingerprint"], folder, options, workers, console)


def _run(
    material: Material,
    fingerprint: str,
    folder: CheckFolder,
    options: CheckOptions,
    workers: Workers,
    console: Console,
) -> dict[str, Any]:
    kept = Kept(folder.path / "work")
    looks = look_at_all(material.photos, kept, workers, console=console)
    findings, tables = _found(material, looks, options, kept, workers, console)
    chosen, notes = limited(findings, most=options.most)
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    header = PatchHeader(
        fingerprint=fingerprint, made_by=f"{MADE_BY} {__version__}", created=created, data=str(material.root)
    )
    patch = Patch(header, tuple(one.proposal for one in chosen))
    counts = Counter(one.proposal.kind for one in chosen)
    review = Review(
        name=material.root.name,
        summary=_summary(len(material.photos), counts),
        patch=patch,
        findings=chosen,
        tables=tables,
        labels=_labels(material),
        notes=(*notes, *material.notes),
    )
    write_file(folder.page, render_page(review).encode())
    write_patch(folder.patch, patch)
    result = {
        "data": str(material.root),
        "layout": material.layout,
        "photos": len(material.photos),
        "findings": {kind: counts[kind] for kind in KIND_NAMES if counts[kind]},
        "page": str(folder.page),
        "patch": str(folder.patch),
        "notes": list(review.notes),
    }
    write_file(folder.result, json.dumps(result, indent=1).encode())
    return result


def _found(
    material: Material, looks: Looks, options: CheckOptions, kept: Kept, workers: Workers, console: Console
) -> tuple[list[Finding], list[Table]]:
    findings: list[Finding]
    tables: list[Table]
    if material.has_classes:
        findings, tables, _ = check_class_labels(looks, options.classes, kept, workers, console=console)
    else:
        good = [photo for photo in looks.photos if photo.is_good]
        found, table = check_good_photos(good, options.good, kept, workers, console=console)
        wrong, more = check_masks(looks.photos, options.masks, kept, workers, console=console)
        findings, tables = [*found, *wrong], [*table, *more]
    findings += unreadable_findings(looks)
    findings += _once(duplicate_findings(looks, has_classes=material.has_classes), findings)
    findings += _once(odd_findings(looks), findings)
    return findings, tables


def _once(more: Iterator[Finding], before: Sequence[Finding]) -> list[Finding]:
    """Leave out what was found for a stronger reason already: a photo gets one label."""
    known = {one.proposal.file for one in before if one.proposal.kind != "mask"}
    return [one for one in more if one.proposal.file not in known]


def _summary(num_photos: int, counts: Counter[str]) -> str:
    found = ", ".join(f"{counts[kind]} “{name}”" for kind, name in KIND_NAMES.items() if counts[kind])
    return f"{num_photos} photos were checked. Found: {found or 'nothing suspicious'}."


def _labels(material: Material) -> list[str]:
    labels = {photo.label for photo in material.photos}
    return sorted(labels if material.has_classes else labels | {DEFECT, "good"})
