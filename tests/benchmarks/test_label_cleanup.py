"""The benchmark of the clean-up: rows that are kept, and what is counted in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.label_cleanup.classes import Photos, measure_classes
from benchmarks.label_cleanup.hidden import hide_defects
from benchmarks.label_cleanup.rows import mean_of, measured
from search.labels.class_check import ClassCheckSettings
from search.labels.classifier import ClassifierSettings


def test_a_finished_row_is_never_measured_again(tmp_path: Path) -> None:
    calls: list[str] = []

    def measure(name: str) -> Mapping[str, Any]:
        calls.append(name)
        if name == "c" and calls.count("c") == 1:
            raise KeyboardInterrupt
        return {"figure": len(name)}

    todo = {name: (lambda name=name: measure(name)) for name in ("a", "bb", "c")}
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        measured(tmp_path, todo, say=lambda _: None)
    rows = measured(tmp_path, todo, say=lambda _: None)
    assert calls == ["a", "bb", "c", "c"]
    assert mean_of(list(rows.values()), "figure") == pytest.approx(4 / 3)


def test_wrong_classes_that_are_easy_to_see_are_all_found() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(160) % 2
    features = (rng.normal(0, 0.5, (160, 8)) + 3 * labels[:, None]).astype(np.float32)
    photos = Photos(features, labels, np.arange(160) // 2 % 4 == 3)
    settings = ClassCheckSettings(num_folds=3, num_seeds=2, classifier=ClassifierSettings(steps=120))
    row = measure_classes(photos, eta=0.2, seed=0, settings=settings)
    assert 10 <= row["wrong"] <= 40
    assert row["labels"] == 120
    assert row["rll_precision"] == row["rll_recall"] == row["rll_repaired_right"] == 1.0
    assert row["rll_accuracy_cleaned"] == row["rll_accuracy_clean"] == 1.0


@pytest.mark.data
def test_so_many_defects_are_hidden_as_are_asked_for(real_data: Path) -> None:
    photos, is_defect = hide_defects(real_data / "magnetic_tile", rate=0.1, seed=1)
    assert (len(photos), int(is_defect.sum())) == (771, 77)
