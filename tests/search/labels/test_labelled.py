"""Which label each photo is given, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from inspector.errors import DatasetError
from inspector.patch import fingerprint_of
from search.labels.labelled import check_classes, is_labelled, open_labelled
from search.labels.material import open_material
from tests.conftest import draw_part
from tests.search.labels.conftest import write_classes


def test_each_folder_is_a_class(classes: Path) -> None:
    folder = open_labelled(classes)
    assert folder.classes == ("across", "along", "slanted")
    assert [image.label for image in folder.images] == ["across"] * 12 + ["along"] * 12 + ["slanted"] * 12


def test_a_list_of_labels_wins_over_folders(classes: Path) -> None:
    (classes / "labels.csv").write_text(
        "file,label,remark\nacross/across_00.png,a,\nalong/along_00.png,b,x\n"
    )
    folder = open_labelled(classes)
    assert folder.layout == "csv"
    assert {image.name: image.label for image in folder.images} == {
        "across/across_00.png": "a",
        "along/along_00.png": "b",
    }


def test_the_fingerprint_is_that_of_the_files(classes: Path) -> None:
    files = [(path.relative_to(classes).as_posix(), path.read_bytes()) for path in classes.rglob("*.png")]
    assert open_labelled(classes).fingerprint() == fingerprint_of(files)


def test_groups_keep_parts_together(classes: Path) -> None:
    (classes / "groups.csv").write_text("file,group\nacross/across_00.png,p1\nacross/across_01.png,p1\n")
    assert [image.group for image in open_labelled(classes).images][:3] == [
        "p1",
        "p1",
        "across/across_02.png",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("file,label\nacross/nothing.png,a\n", r"nothing\.png, which is not there"),
        ("file,label\nacross/across_00.png,a\nacross/across_00.png,b\n", "has two labels"),
        ("file,label\nacross/across_00.png,\n", "line 2: a cell is empty"),
        ("file,class\nacross/across_00.png,a\n", "columns file,label"),
        ("file,label\n", "lists no photo"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(classes: Path, rows: str, message: str) -> None:
    (classes / "labels.csv").write_text(rows)
    with pytest.raises(DatasetError, match=message):
        open_labelled(classes)


def test_one_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    cv2.imwrite(str(tmp_path / "only/0.png"), draw_part(0))
    with pytest.raises(DatasetError, match="one class only, 'only'"):
        check_classes(open_labelled(tmp_path), num_folds=5)


def test_a_class_of_three_photos_is_refused_with_what_helps(tmp_path: Path) -> None:
    root = write_classes(tmp_path / "steel", num=3)
    with pytest.raises(DatasetError, match=r"'across' has 3 images of 3 parts.*--folds 3"):
        check_classes(open_labelled(root), num_folds=5)
    check_classes(open_labelled(root), num_folds=3)


def test_photos_of_good_parts_are_no_classes(mvtec: Path, good_parts: Path) -> None:
    assert not is_labelled(mvtec)
    assert not is_labelled(good_parts)
    material = open_material(mvtec)
    assert material.layout == "mvtec"
    assert {photo.part for photo in material.photos} == {"train", "test"}
