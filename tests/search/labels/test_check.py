"""A whole check: what it finds, that it only reads, that it goes on where it was stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspector.console import Console
from inspector.errors import DatasetError, InputError, RunError
from inspector.patch import read_patch
from search.labels import check as check_module
from search.labels import class_check, classifier
from search.labels.cell_net import CellNetSettings
from search.labels.check import CheckOptions, run_check
from search.labels.class_check import ClassCheckSettings
from search.labels.classifier import ClassifierSettings
from search.labels.good_check import GoodCheckSettings
from search.labels.jobs import Workers
from search.labels.mask_check import MaskCheckSettings
from tests.search.labels.conftest import draw_surface

NET = CellNetSettings(steps=150)
QUICK = CheckOptions(
    classes=ClassCheckSettings(num_folds=3, num_seeds=2, classifier=ClassifierSettings(steps=200)),
    good=GoodCheckSettings(num_drawn=10, net=NET),
    masks=MaskCheckSettings(net=NET),
)
Snapshot = Callable[[Path], dict[str, bytes]]


def run(root: Path, out: Path, options: CheckOptions = QUICK) -> dict[str, Any]:
    return run_check(root, out, options=options, workers=Workers(), console=Console(json_output=True))


def test_wrong_classes_are_found_and_the_data_stays(
    mislabelled: tuple[Path, set[str]], tmp_path: Path, snapshot: Snapshot
) -> None:
    root, wrong = mislabelled
    before = snapshot(root)
    result = run(root, tmp_path / "check")
    patch = read_patch(tmp_path / "check/patch.jsonl")
    right = {one.file: Path(one.file).name.split("_")[0] for one in patch.proposals}
    doubted = [one.file for one in patch.proposals if one.kind == "label"]
    assert set(doubted[:3]) == wrong, "the most certain ones are the wrong ones"
    assert all(one.proposed == right[one.file] for one in patch.proposals if one.file in wrong)
    assert snapshot(root) == before
    assert result["findings"]["label"] == len(doubted) <= 5
    page = (tmp_path / "check/review.html").read_text()
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|@import|url\(|fetch\(""", page)


def test_an_interrupted_check_ends_as_an_uninterrupted_one(
    mislabelled: tuple[Path, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = mislabelled
    run(root, tmp_path / "whole")
    trained: list[int] = []
    train = classifier.train_and_predict

    def stop_at_the_fourth(*args: Any, **kwargs: Any) -> Any:
        if len(trained) == 4:
            raise KeyboardInterrupt
        trained.append(1)
        return train(*args, **kwargs)

    monkeypatch.setattr(class_check, "train_and_predict", stop_at_the_fourth)
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        run(root, tmp_path / "stopped")
    assert not (tmp_path / "stopped/patch.jsonl").exists()
    trained.clear()
    run(root, tmp_path / "stopped")
    assert len(trained) == 2
    whole, stopped = (read_patch(tmp_path / name / "patch.jsonl") for name in ("whole", "stopped"))
    assert whole.proposals == stopped.proposals


def test_a_finished_check_is_told_and_not_written_again(classes: Path, tmp_path: Path) -> None:
    first = run(classes, tmp_path / "check")
    (tmp_path / "check/patch.jsonl").write_text("a reviewer's decisions")
    assert run(classes, tmp_path / "check") == first
    assert (tmp_path / "check/patch.jsonl").read_text() == "a reviewer's decisions"


def test_hidden_defects_among_good_parts_come_first(good_parts: Path, tmp_path: Path) -> None:
    run(good_parts, tmp_path / "check")
    patch = read_patch(tmp_path / "check/patch.jsonl")
    suspects = [one.file for one in patch.proposals if one.kind == "contaminated"]
    assert set(suspects[:2]) == {"07.png", "19.png"}
    page = (tmp_path / "check/review.html").read_text()
    assert "The threshold without the suspects" in page
    assert "The scores without the suspects" in page


def test_a_missing_region_of_a_mask_is_found(tmp_path: Path) -> None:
    root = tmp_path / "parts"
    for name in ("train/good", "test/spot", "ground_truth/spot"):
        (root / name).mkdir(parents=True)
    for i in range(8):
        cv2.imwrite(str(root / f"train/good/{i}.png"), draw_surface(i))
    for i in range(12):
        plain, spotted = draw_surface(100 + i), draw_surface(100 + i, spot=True)
        mask = (np.abs(spotted.astype(int) - plain)[:, :, 0] > 20).astype(np.uint8)
        cv2.imwrite(str(root / f"test/spot/{i:02}.png"), spotted)
        mask = np.zeros_like(mask) if i == 5 else mask
        if i == 5:
            mask[2:8, 80:90] = 1  # drawn at a wrong place
        cv2.imwrite(str(root / f"ground_truth/spot/{i:02}_mask.png"), mask * 255)
    run(root, tmp_path / "check")
    masks = [one for one in read_patch(tmp_path / "check/patch.jsonl").proposals if one.kind == "mask"]
    assert {one.file for one in masks} == {"test/spot/05.png"}
    assert {one.proposed.split()[0] for one in masks} == {"add", "remove"}


def test_unreadable_and_doubled_photos_are_proposed(classes: Path, tmp_path: Path) -> None:
    (classes / "along/broken.png").write_bytes(b"\x89PNG no more")
    (classes / "slanted/twin.png").write_bytes((classes / "across/across_00.png").read_bytes())
    run(classes, tmp_path / "check")
    found = {one.file: one for one in read_patch(tmp_path / "check/patch.jsonl").proposals}
    assert (found["along/broken.png"].kind, found["along/broken.png"].proposed) == ("unreadable", "remove")
    assert (found["slanted/twin.png"].proposed, found["slanted/twin.png"].given) == ("across", "slanted")


def test_a_folder_with_other_files_is_refused(classes: Path, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/todo.txt").write_text("x")
    with pytest.raises(RunError, match="holds other files, and nothing is overwritten"):
        run(classes, tmp_path / "notes")
    with pytest.raises(InputError, match="lies inside the data"):
        run(classes, classes / "check")


def test_a_check_goes_on_only_with_the_same_data_and_options(
    classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(check_module, "look_at_all", stop)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            run(classes, tmp_path / "check")
    with pytest.raises(RunError, match="begun with another value of most"):
        run(classes, tmp_path / "check", CheckOptions(QUICK.classes, QUICK.good, QUICK.masks, most=5))
    (classes / "across/across_00.png").unlink()
    with pytest.raises(RunError, match="begun of other data"):
        run(classes, tmp_path / "check")


def test_one_class_ends_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "data/only").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "data/only/0.png"), draw_surface(0))
    with pytest.raises(DatasetError, match="one class only"):
        run(tmp_path / "data", tmp_path / "check")
    assert not (tmp_path / "check").exists()


def test_the_page_holds_the_patch(mislabelled: tuple[Path, set[str]], tmp_path: Path) -> None:
    root, _ = mislabelled
    run(root, tmp_path / "check")
    page = (tmp_path / "check/review.html").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data = json.loads(found[1])
    lines = [json.loads(line) for line in (tmp_path / "check/patch.jsonl").read_text().splitlines()]
    assert [data["header"], *data["proposals"]] == lines
