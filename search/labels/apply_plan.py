"""What a reviewed patch changes in a copy of the data, decided before anything is written.

Accepted proposals, and those with another label, change something; rejected and open ones do not. What is no
good photo any more, or is to be removed, goes to `set_aside/` of the copy, where no layout looks for photos.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from inspector.layouts import GOOD
from inspector.patch import ACCEPTED, OTHER, Patch, PatchError, Proposal
from search.labels.labelled import CLASSES, CSV
from search.labels.mask_region import MaskRegion, read_region
from search.labels.material import TEST, Material, Photo

SET_ASIDE = "set_aside"
REMOVE = "remove"  # the label that means: not in the data any more
MASK_KIND = "mask"


@dataclass(frozen=True)
class Change:
    """What happens to one photo: from which label to which, and where it lies then."""

    file: str
    to: str
    given: str
    label: str
    ids: tuple[str, ...]
    by: str
    when: str


@dataclass(frozen=True)
class ApplyPlan:
    """All that a copy differs in.

    moves: old -> new path of every file that lies elsewhere in the copy.  labels: file -> new label, of a
    labels.csv.  regions: mask -> regions to change.  changes: the same for people and for the log.
    """

    changes: tuple[Change, ...]
    moves: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, tuple[MaskRegion, ...]] = field(default_factory=dict)
    num_undecided: int = 0


def plan_apply(material: Material, patch: Patch, *, allow_new_labels: bool = False) -> ApplyPlan:
    """Decide what a patch changes.

    Args:
        allow_new_labels: A label that no photo has yet makes a new class; else it is taken for a mistake.

    Raises:
        PatchError: it names a photo that is not there, says two things of one, or gives a label that no
            class has.
    """
    planner = _Planner(material, allow_new_labels=allow_new_labels)
    decided = [one for one in patch.proposals if one.decision in (ACCEPTED, OTHER)]
    for file, proposals in _by_file(decided).items():
        planner.add(file, proposals)
    num_open = sum(one.decision == "open" for one in patch.proposals)
    return planner.plan(num_open)


class _Planner:
    def __init__(self, material: Material, *, allow_new_labels: bool) -> None:
        self._material = material
        self._photos = material.by_name()
        self._known = sorted({photo.label for photo in material.photos} | {GOOD, REMOVE})
        self._allow_new = allow_new_labels
        self._taken = {photo.name for photo in material.photos}
        self._changes: list[Change] = []
        self._moves: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._regions: dict[str, tuple[MaskRegion, ...]] = {}

    def plan(self, num_undecided: int) -> ApplyPlan:
        return ApplyPlan(tuple(self._changes), self._moves, self._labels, self._regions, num_undecided)

    def add(self, file: str, proposals: list[Proposal]) -> None:
        photo = self._photos.get(file)
        if photo is None:
            raise PatchError(
                f"proposal {proposals[0].id} is about {file}, which is no photo of {self._material.root}; "
                "the patch was made for other data"
            )
        masks = [one for one in proposals if one.kind == MASK_KIND and one.decision == ACCEPTED]
        labels = [one for one in proposals if one.kind != MASK_KIND]
        if labels:
            self._relabel(photo, labels)
        if masks:
            self._edit_mask(photo, masks)

    def _relabel(self, photo: Photo, proposals: list[Proposal]) -> None:
        wanted = {one.label for one in proposals}
        if len(wanted) > 1:
            raise PatchError(
                f"{photo.name} gets {len(wanted)} labels, {', '.join(sorted(wanted))}, from the proposals "
                f"{', '.join(one.id for one in proposals)}; accept one of them"
            )
        label = wanted.pop()
        if label == photo.label:
            return
        self._check_label(label, proposals[0])
        to = self._place(photo, label)
        if self._material.layout == CSV and label != REMOVE:
            self._labels[photo.name] = label
        self._note(photo, proposals, to=to, label=label)

    def _place(self, photo: Photo, label: str) -> str:
        """Return where the photo lies with its new label."""
        if label == REMOVE:
            return self._move(photo.name, f"{SET_ASIDE}/removed/{photo.name}")
        if self._material.layout == CSV:
            return photo.name
        if self._material.layout == CLASSES:
            return self._move(photo.name, f"{label}/{PurePosixPath(photo.name).name}")
        if self._material.layout == "mvtec" and label == GOOD and photo.part == TEST:
            if photo.mask is not None:
                self._move(photo.mask, f"{SET_ASIDE}/masks/{photo.mask}")
            return self._move(photo.name, f"test/{GOOD}/{PurePosixPath(photo.name).name}")
        if photo.mask is not None:  # else it would be a mask without an image
            self._move(photo.mask, f"{SET_ASIDE}/{label}/{photo.mask}")
        return self._move(photo.name, f"{SET_ASIDE}/{label}/{photo.name}")

    def _move(self, file: str, to: str) -> str:
        """Give a file a new path that no other file of the copy has."""
        path, number = PurePosixPath(to), 2
        while str(path) in self._taken:
            path = PurePosixPath(to).with_stem(f"{PurePosixPath(to).stem}-{number}")
            number += 1
        self._taken.add(str(path))
        self._moves[file] = str(path)
        return str(path)

    def _check_label(self, label: str, proposal: Proposal) -> None:
        if (
            label != label.strip()
            or label.startswith(".")
            or {"/", "\\", "\0"} & set(label)
            or label == SET_ASIDE
        ):
            raise PatchError(
                f"proposal {proposal.id}: {label!r} cannot be the name of a folder; choose another label"
            )
        if not self._material.has_classes or label in self._known or self._allow_new:
            return
        near = difflib.get_close_matches(label, self._known, n=1, cutoff=0.0)[0]
        raise PatchError(
            f"proposal {proposal.id} ({proposal.file}): the label {label!r} names no class of "
            f"{self._material.root}; "
            f"the nearest is {near!r}; correct it, or allow it with --new-labels"
        )

    def _edit_mask(self, photo: Photo, proposals: list[Proposal]) -> None:
        if photo.mask is None:
            raise PatchError(f"proposal {proposals[0].id} changes the mask of {photo.name}, which has none")
        self._regions[photo.mask] = tuple(read_region(one.proposed) for one in proposals)
        shorts = ", ".join(region.short() for region in self._regions[photo.mask])
        self._note(photo, proposals, to=photo.mask, label=shorts)

    def _note(self, photo: Photo, proposals: list[Proposal], *, to: str, label: str) -> None:
        last = max(proposals, key=lambda one: one.when)
        ids = tuple(one.id for one in proposals)
        self._changes.append(Change(photo.name, to, photo.label, label, ids, last.by, last.when))


def _by_file(proposals: Iterable[Proposal]) -> dict[str, list[Proposal]]:
    found: dict[str, list[Proposal]] = {}
    for one in proposals:
        found.setdefault(one.file, []).append(one)
    return found
