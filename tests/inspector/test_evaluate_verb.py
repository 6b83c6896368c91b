"""`inspector evaluate` writes the figures and pictures that `evaluation` and `metrics` stand behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve
from typer.testing import CliRunner

from inspector.bundle import Bundle
from inspector.dataset import open_dataset, read_frame
from inspector.errors import DatasetError
from inspector.evaluation import evaluate
from inspector.plots import pr_curve
from inspector.runtime import Runner
from inspector.verbs.evaluate import app
from tests.tiny_bundle import part, write_tiny_bundle, write_tiny_dataset


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny.bundle")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_tiny_dataset(tmp_path / "parts")


def _run(*arguments: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize("original", [False, True])
def test_figures_are_those_of_evaluate(bundle: Path, dataset: Path, original: bool) -> None:
    answer = _run(bundle, dataset, *(["--original-resolution"] if original else []))
    runner = Runner.open(Bundle.open(bundle))
    expected = evaluate(
        runner.score,
        open_dataset(dataset).test,
        size_hw=runner.bundle.manifest.input_hw,
        thresholds=runner.bundle.thresholds,
        original_resolution=original,
    ).as_dict()
    for key in expected.keys() - {"latency_ms_median"}:
        assert answer[key] == expected[key], key
    assert answer["num_defect"] == 3
    assert answer["pixel_aupr"] > 0.9
    assert answer["miss_rate"] == answer["false_reject_rate"] == 0.0


def test_pictures_and_json_are_written(bundle: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "evaluation"
    answer = _run(bundle, dataset, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        "contact_sheet.png",
        "evaluation.json",
        "pr_curve.png",
        "scores.png",
    ]
    assert json.loads((out / "evaluation.json").read_text()) == answer
    for name in ("contact_sheet.png", "pr_curve.png", "scores.png"):
        picture = read_frame(out / name)
        assert picture.shape[0] >= 256
        assert picture.std() > 10


def test_the_table_is_for_people(bundle: Path, dataset: Path) -> None:
    result = CliRunner().invoke(app, [str(bundle), str(dataset)], catch_exceptions=False)
    assert result.exit_code == 0
    assert "6 good, 3 defective; test" in result.stdout
    assert any(line.startswith("pixel AUPR ") for line in result.stdout.splitlines())
    assert any(line.startswith("spot ") for line in result.stdout.splitlines())


def test_a_plain_folder_of_good_parts_shows_false_rejects_only(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "good"
    folder.mkdir()
    for number in range(4):
        cv2.imwrite(str(folder / f"{number}.png"), part(number, defect=False)[0])
    answer = _run(bundle, folder, "--out", tmp_path / "out")
    assert answer["num_good"] == 4
    assert answer["false_reject_rate"] == 0.0
    assert answer["pixel_aupr"] is None
    assert not (tmp_path / "out" / "pr_curve.png").exists()


def test_an_empty_folder_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty"):
        _run(bundle, tmp_path / "empty")


def test_the_drawn_curve_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    bins = np.concatenate([rng.integers(0, 30, 500), rng.integers(10, 40, 60)])
    label = np.repeat([0, 1], [500, 60])
    recall, precision = pr_curve(
        np.bincount(bins[label == 0], minlength=40), np.bincount(bins[label == 1], minlength=40)
    )
    expected_precision, expected_recall, _ = precision_recall_curve(label, bins)
    assert set(np.round(expected_recall[:-1], 12)) <= set(np.round(recall, 12))
    for r, p in zip(recall, precision, strict=True):
        assert np.abs(expected_precision[:-1][np.isclose(expected_recall[:-1], r)] - p).min() < 1e-12
