"""A folder of photos whatever its layout: which file has which label, mask, group and part.

One view for the check, which looks for wrong labels, and for applying a patch, which changes them in a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inspector.dataset import Dataset
from inspector.errors import DatasetError
from inspector.layouts import GOOD, Survey, survey
from search.labels.labelled import LabelledFolder, is_labelled, open_labelled

TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Photo:
    """One photo: its path relative to the root with `/`, its label, and where it belongs.

    label: a class, or `good` or the kind of a defect.  part: `train`, `test`, or "" for a set without parts.
    mask: the mask's path relative to the root, None where it has none.
    """

    name: str
    path: Path
    label: str
    group: str
    part: str = ""
    mask: str | None = None

    @property
    def is_good(self) -> bool:
        return self.label == GOOD


@dataclass(frozen=True)
class Material:
    """All photos, sorted by name. layout: `classes`, `csv`, `mvtec`, `plain` or `magnetic_tile`."""

    root: Path
    layout: str
    photos: tuple[Photo, ...]
    notes: tuple[str, ...]
    _data: Dataset | LabelledFolder = field(repr=False, compare=False)

    @property
    def has_classes(self) -> bool:
        """Whether the labels are classes of defects, none of which means good."""
        return isinstance(self._data, LabelledFolder)

    @property
    def labelled(self) -> LabelledFolder:
        """The folder of classes; only where `has_classes`."""
        assert isinstance(self._data, LabelledFolder)
        return self._data

    def by_name(self) -> Mapping[str, Photo]:
        """Return the photos by their names."""
        return {photo.name: photo for photo in self.photos}

    def fingerprint(self) -> str:
        """Return the fingerprint of the data, which a patch names."""
        return self._data.fingerprint()


def open_material(root: Path) -> Material:
    """Look through a folder without opening its photos.

    Unlike `open_dataset` it lets pass what the check is there to find, such as a mask without an image.

    Raises:
        DatasetError: no folder, no photos in it, or lists of labels or groups that do not fit.
    """
    root = root.resolve()
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder; give the folder that holds the photos")
    if is_labelled(root):
        folder = open_labelled(root)
        photos = [Photo(one.name, one.path, one.label, one.group) for one in folder.images]
        return Material(root, folder.layout, tuple(photos), (), folder)
    found = survey(root)
    return Material(root, found.layout, _photos(found), _notes(found), _dataset(found))


def _photos(found: Survey) -> tuple[Photo, ...]:
    both = [(TRAIN, sample) for sample in found.train] + [(TEST, sample) for sample in found.test]
    photos = [
        Photo(
            name=sample.name,
            path=sample.path,
            label=sample.kind,
            group=sample.group,
            part=part,
            mask=None if sample.mask_path is None else sample.mask_path.relative_to(found.root).as_posix(),
        )
        for part, sample in both
    ]
    return tuple(sorted(photos, key=lambda photo: photo.name))


def _notes(found: Survey) -> tuple[str, ...]:
    return tuple(problem.sentence() for problem in (*found.fatal, *found.notes))


def _dataset(found: Survey) -> Dataset:
    return Dataset(found.root, found.layout, tuple(found.train), tuple(found.test))
