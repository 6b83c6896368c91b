"""A reviewed patch becomes a cleaned copy; the data itself is never touched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.errors import InputError, StorageError
from inspector.patch import (
    ACCEPTED,
    OTHER,
    REJECTED,
    Patch,
    PatchError,
    PatchHeader,
    Proposal,
    write_patch,
)
from search.events import EventLog
from search.labels.apply import LOG_FILE, apply_patch, undo_apply
from search.labels.finding import propose
from search.labels.labelled import read_label_rows
from search.labels.mask_region import ADD, region_of
from search.labels.material import open_material

Snapshot = Callable[[Path], dict[str, bytes]]
WHEN = "2026-11-24T08:00:00Z"


def decided(proposal: Proposal, decision: str = ACCEPTED, other: str = "") -> Proposal:
    return proposal.model_copy(update={"decision": decision, "other": other, "by": "eva", "when": WHEN})


def patch_for(root: Path, tmp_path: Path, *proposals: Proposal) -> Path:
    header = PatchHeader(fingerprint=open_material(root).fingerprint(), data=str(root))
    return write_patch(tmp_path / "reviewed.jsonl", Patch(header, proposals))


def relabel(file: str, given: str, proposed: str, *, kind: str = "label") -> Proposal:
    return propose(kind, file, given=given, proposed=proposed, score=0.9, margin=0.8)


def test_only_what_was_decided_moves_and_the_data_stays(
    classes: Path, tmp_path: Path, snapshot: Snapshot
) -> None:
    before = snapshot(classes)
    patch = patch_for(
        classes,
        tmp_path,
        decided(relabel("across/across_03.png", "across", "along")),
        decided(relabel("across/across_04.png", "across", "along"), REJECTED),
        decided(relabel("across/across_05.png", "across", "along"), OTHER, "slanted"),
        relabel("across/across_06.png", "across", "along"),
        decided(relabel("across/across_07.png", "across", "remove", kind="odd")),
    )
    applied = apply_patch(patch, tmp_path / "new")
    moves = {
        "across/across_03.png": "along/across_03.png",
        "across/across_05.png": "slanted/across_05.png",
        "across/across_07.png": "set_aside/removed/across/across_07.png",
    }
    after = snapshot(tmp_path / "new")
    log = after.pop(LOG_FILE)
    assert after == {moves.get(name, name): content for name, content in before.items()}
    assert snapshot(classes) == before
    assert applied.plan.num_undecided == 1
    assert log.count(b'"kind":"change"') == 3
    assert {
        event["by"] for event in EventLog.read(tmp_path / "new" / LOG_FILE) if event["kind"] == "change"
    } == {"eva"}
    assert open_material(tmp_path / "new").labelled.classes == ("across", "along", "slanted")


def test_a_name_that_is_taken_is_not_overwritten(classes: Path, tmp_path: Path) -> None:
    (classes / "along/twin.png").write_bytes((classes / "along/along_00.png").read_bytes())
    (classes / "across/twin.png").write_bytes((classes / "across/across_00.png").read_bytes())
    apply_patch(
        patch_for(classes, tmp_path, decided(relabel("across/twin.png", "across", "along"))), tmp_path / "new"
    )
    assert (tmp_path / "new/along/twin.png").read_bytes() == (classes / "along/twin.png").read_bytes()
    assert (tmp_path / "new/along/twin-2.png").read_bytes() == (classes / "across/twin.png").read_bytes()


def test_lists_are_rewritten_and_keep_their_columns(classes: Path, tmp_path: Path) -> None:
    (classes / "labels.csv").write_text(
        "file,label,remark\nacross/across_00.png,a,first\nacross/across_01.png,a,\nalong/along_00.png,b,\n"
    )
    patch = patch_for(
        classes,
        tmp_path,
        decided(relabel("across/across_00.png", "a", "b")),
        decided(relabel("across/across_01.png", "a", "remove", kind="odd")),
    )
    apply_patch(patch, tmp_path / "new")
    assert read_label_rows(tmp_path / "new/labels.csv") == [
        ("across/across_00.png", "b"),
        ("along/along_00.png", "b"),
    ]
    assert "first" in (tmp_path / "new/labels.csv").read_text()


def test_groups_follow_a_moved_photo(classes: Path, tmp_path: Path) -> None:
    (classes / "groups.csv").write_text("file,group\nacross/across_00.png,p1\nalong/along_00.png,p1\n")
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_00.png", "across", "along")))
    apply_patch(patch, tmp_path / "new")
    groups = {photo.name: photo.group for photo in open_material(tmp_path / "new").photos}
    assert groups["along/across_00.png"] == groups["along/along_00.png"] == "p1"


def test_a_defect_leaves_the_good_photos(good_parts: Path, tmp_path: Path) -> None:
    patch = patch_for(good_parts, tmp_path, decided(relabel("07.png", "good", "defect", kind="contaminated")))
    apply_patch(patch, tmp_path / "new")
    assert (tmp_path / "new/set_aside/defect/07.png").is_file()
    assert len(open_material(tmp_path / "new").photos) == 29


def test_a_patch_of_operators_is_applied_too(good_parts: Path, tmp_path: Path) -> None:
    """The edge app's: given is the inspector's word, so a confirmed FAIL proposes what it was given."""
    said = decided(relabel("03.png", "defect", "defect", kind="operator"))
    unsure = relabel("04.png", "review", "unsure", kind="operator")
    good = decided(relabel("05.png", "defect", "good", kind="operator"))
    patch = patch_for(good_parts, tmp_path, said, unsure, good)
    applied = apply_patch(patch, tmp_path / "new")
    assert [change.to for change in applied.plan.changes] == ["set_aside/defect/03.png"]


def test_a_false_defect_joins_the_good_ones_and_its_mask_goes(mvtec: Path, tmp_path: Path) -> None:
    patch = patch_for(mvtec, tmp_path, decided(relabel("test/scratch/000.png", "scratch", "good")))
    apply_patch(patch, tmp_path / "new")
    photos = open_material(tmp_path / "new").by_name()
    assert photos["test/good/000-2.png"].is_good
    assert not (tmp_path / "new/ground_truth/scratch/000_mask.png").exists()
    assert open_material(tmp_path / "new").notes == ()


def test_a_mask_gets_its_region(mvtec: Path, tmp_path: Path) -> None:
    spot = np.zeros((60, 80), np.uint8)
    spot[40:50, 20:30] = 1
    proposal = propose(
        "mask", "test/scratch/001.png", given="scratch", proposed=region_of(ADD, spot).word(), score=0.9
    )
    apply_patch(patch_for(mvtec, tmp_path, decided(proposal)), tmp_path / "new")
    mask_file = "ground_truth/scratch/001_mask.png"
    old, new = (cv2.imread(str(root / mask_file), cv2.IMREAD_GRAYSCALE) for root in (mvtec, tmp_path / "new"))
    assert old is not None
    assert new is not None
    assert np.array_equal(new > 127, (old > 127) | (spot > 0))


def test_links_point_at_the_data(classes: Path, tmp_path: Path, snapshot: Snapshot) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))
    apply_patch(patch, tmp_path / "new", link=True)
    moved = tmp_path / "new/along/across_03.png"
    assert moved.is_symlink()
    assert moved.resolve() == (classes / "across/across_03.png").resolve()
    before = snapshot(classes)
    undo_apply(tmp_path / "new")
    assert snapshot(classes) == before


def test_a_dry_run_writes_nothing(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))
    applied = apply_patch(patch, tmp_path / "new", dry_run=True)
    assert len(applied.plan.changes) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reviewed.jsonl", "steel"]


def test_undo_removes_what_apply_wrote_and_nothing_else(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))
    new = tmp_path / "new"
    apply_patch(patch, new)
    (new / "along/mine.txt").write_text("a note")
    (new / "slanted/slanted_00.png").write_bytes(b"retouched")
    assert undo_apply(new).kept == ("along/mine.txt", "slanted/slanted_00.png")
    (new / "along/mine.txt").unlink()
    (new / "slanted/slanted_00.png").unlink()
    assert undo_apply(new).kept == ()
    assert not new.exists()
    with pytest.raises(InputError, match="was not written by"):
        undo_apply(classes)


def test_nothing_is_ever_overwritten(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))
    (tmp_path / "new").mkdir()
    with pytest.raises(StorageError, match="is there already and is not overwritten"):
        apply_patch(patch, tmp_path / "new")
    with pytest.raises(InputError, match="lies inside the data"):
        apply_patch(patch, classes / "new")


def test_a_patch_for_other_data_is_refused(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))
    (classes / "across/across_00.png").unlink()
    with pytest.raises(PatchError, match="made for other data"):
        apply_patch(patch, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("proposals", "message"),
    [
        ([decided(relabel("across/across_99.png", "across", "along"))], "is no photo of"),
        ([decided(relabel("across/across_03.png", "across", "slnted"))], "the nearest is 'slanted'"),
        (
            [decided(relabel("across/across_03.png", "across", "along"), OTHER, "../up")],
            "cannot be the name of a folder",
        ),
        (
            [
                decided(relabel("across/across_03.png", "across", "along")),
                decided(relabel("across/across_03.png", "across", "slanted")),
            ],
            "gets 2 labels, along, slanted",
        ),
    ],
)
def test_a_patch_that_cannot_be_meant_is_refused(
    classes: Path, tmp_path: Path, proposals: list[Proposal], message: str
) -> None:
    with pytest.raises(PatchError, match=message):
        apply_patch(patch_for(classes, tmp_path, *proposals), tmp_path / "new")


def test_a_new_class_is_made_only_when_it_is_meant(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(
        classes, tmp_path, decided(relabel("across/across_03.png", "across", "along"), OTHER, "dent")
    )
    apply_patch(patch, tmp_path / "new", allow_new_labels=True)
    assert (tmp_path / "new/dent/across_03.png").is_file()


def test_an_interrupted_copy_leaves_nothing(classes: Path, tmp_path: Path) -> None:
    patch = patch_for(classes, tmp_path, decided(relabel("across/across_03.png", "across", "along")))

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        apply_patch(patch, tmp_path / "new", on_file=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reviewed.jsonl", "steel"]


def test_a_patch_without_the_place_of_its_data_asks_for_it(classes: Path, tmp_path: Path) -> None:
    header = PatchHeader(fingerprint=open_material(classes).fingerprint())
    patch = write_patch(tmp_path / "p.jsonl", Patch(header, ()))
    assert b'"data"' not in patch.read_bytes()
    with pytest.raises(InputError, match="--data DIR"):
        apply_patch(patch, tmp_path / "new")
    assert apply_patch(patch, tmp_path / "new", data=classes).plan.changes == ()
