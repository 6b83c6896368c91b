"""A folder of photos with a defect class each: one folder a class, or one file that lists them.

Layouts: `classes` (DIR/<class>/<image>), `csv` (DIR/labels.csv with the columns file, label; images anywhere
below DIR). In both an optional groups.csv (file, group) keeps the shots of one physical part together.

Source: design.md, "Data set layout"; the fingerprint is that of `inspector.dataset`.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import DatasetError
from inspector.groups import GROUPS_FILE, read_groups
from inspector.layouts import list_images
from inspector.patch import fingerprint_of

LABELS_FILE = "labels.csv"
CLASSES, CSV = "classes", "csv"


@dataclass(frozen=True)
class LabelledImage:
    """One photo: its path relative to the root with `/`, its given label, and the part that it shows."""

    name: str
    path: Path
    label: str
    group: str


@dataclass(frozen=True)
class LabelledFolder:
    """All photos of a folder, sorted by name, with their given labels."""

    root: Path
    layout: str
    images: tuple[LabelledImage, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({image.label for image in self.images}))

    def files(self) -> Iterator[Path]:
        """Yield every file that belongs to the data: photos, and the lists of labels and groups."""
        for image in self.images:
            yield image.path
        for name in (LABELS_FILE, GROUPS_FILE):
            if (self.root / name).is_file():
                yield self.root / name

    def fingerprint(self) -> str:
        """Return the fingerprint of the data; files are read one after the other."""
        return fingerprint_of(
            (path.relative_to(self.root).as_posix(), path.read_bytes()) for path in self.files()
        )


def is_labelled(root: Path) -> bool:
    """Return whether a folder is laid out as `csv` or `classes`; with images beside folders it is neither."""
    if (root / LABELS_FILE).is_file():
        return True
    if not root.is_dir() or list_images(root) or (root / "MT_Free").is_dir():
        return False
    names = {folder.name for folder in _class_folders(root)}
    return bool(names) and not {"train", "test"} & names


def open_labelled(root: Path) -> LabelledFolder:
    """Read the given labels; no image is opened.

    Raises:
        DatasetError: no photos, labels of files that are not there, a photo with two labels, or a
            groups.csv that does not fit.
    """
    groups, missing = read_groups(root)
    if missing:
        raise DatasetError(
            f"{root / GROUPS_FILE} names {missing[0]}{_and_more(missing)}, which is not there; "
            "correct the path, it is relative to the folder of groups.csv"
        )
    layout = CSV if (root / LABELS_FILE).is_file() else CLASSES
    labels = _listed(root) if layout == CSV else _foldered(root)
    images = [
        LabelledImage(name, root / name, label, groups.get(name, name)) for name, label in labels.items()
    ]
    return LabelledFolder(root, layout, tuple(sorted(images, key=lambda image: image.name)))


def check_classes(folder: LabelledFolder, *, num_folds: int) -> None:
    """Raise DatasetError unless there are two classes or more, each of at least `num_folds` parts."""
    if len(folder.classes) < 2:
        raise DatasetError(
            f"{folder.root} has one class only, {folder.classes[0]!r}: nothing can be confused with it; "
            "add the photos of another class, or check a folder of good photos for hidden defects instead"
        )
    parts = {image.label: Counter[str]() for image in folder.images}
    for image in folder.images:
        parts[image.label][image.group] += 1
    label, groups = min(parts.items(), key=lambda item: (len(item[1]), item[0]))
    if len(groups) < num_folds:
        advice = f"use --folds {len(groups)}, " if len(groups) > 1 else ""
        raise DatasetError(
            f"the class {label!r} has {groups.total()} images of {len(groups)} parts, but {num_folds} folds "
            f"need {num_folds} parts of each class; {advice}add photos of it, or leave the class out"
        )


def _class_folders(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".") and list_images(path)
    )


def _foldered(root: Path) -> dict[str, str]:
    found = {
        path.relative_to(root).as_posix(): folder.name
        for folder in _class_folders(root)
        for path in list_images(folder)
    }
    if not found:
        raise DatasetError(
            f"{root} holds no folder of images; put the photos of each class into one of its own"
        )
    return found


def _listed(root: Path) -> dict[str, str]:
    path = root / LABELS_FILE
    labels: dict[str, str] = {}
    for number, (name, label) in enumerate(read_label_rows(path), start=2):
        if not name or not label:
            raise DatasetError(f"{path}, line {number}: a cell is empty; each row needs file,label")
        if labels.setdefault(name, label) != label:
            raise DatasetError(
                f"{path}, line {number}: {name} has two labels, {labels[name]!r} and {label!r}"
            )
    missing = [name for name in labels if not (root / name).is_file()]
    if missing:
        raise DatasetError(
            f"{path} has a label for {missing[0]}{_and_more(missing)}, which is not there; "
            "correct the path, it is relative to the folder of labels.csv, or remove the row"
        )
    if not labels:
        raise DatasetError(f"{path} lists no photo; each row needs file,label")
    return labels


def read_label_rows(path: Path) -> list[tuple[str, str]]:
    """Return (file, label) of every row of a labels.csv; DatasetError where it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"file", "label"} <= set(reader.fieldnames or ()):
                raise DatasetError(f"{path} needs a first line with the columns file,label")
            return [
                ((row["file"] or "").strip().replace("\\", "/"), (row["label"] or "").strip())
                for row in reader
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path} is not a CSV file in UTF-8: {error}") from error


def _and_more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""
