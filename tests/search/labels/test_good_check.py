"""Scores, suspicious places and thresholds, from maps alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspector.console import Console
from inspector.errors import DatasetError
from search.labels.cell_net import CellNetSettings, score_cells, train_cells
from search.labels.cells import cell_features, working_frame
from search.labels.good_check import GoodCheckSettings, check_good_photos, image_score, suspicious_box
from search.labels.influence import influence_table, rescored_table
from search.labels.jobs import Workers
from search.labels.kept import Kept
from search.labels.material import open_material
from search.labels.wavelets import features_of
from tests.search.labels.conftest import draw_stripes, draw_surface

CONSOLE = Console(json_output=True)


def test_the_border_does_not_count() -> None:
    odds = np.full((8, 8), -4.0, np.float32)
    odds[0, :] = odds[:, -1] = 9.0
    assert image_score(odds) == -4.0
    odds[3, 3:6] = 2.0
    assert image_score(odds) == 2.0


def test_a_map_without_an_inside_counts_whole() -> None:
    assert image_score(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)) == 3.0


def test_the_box_is_around_the_highest_place() -> None:
    odds = np.full((20, 40), -5.0, np.float32)
    odds[4:8, 10:16] = 5.0
    left, top, width, height = suspicious_box(odds)
    assert left <= 250 <= left + width
    assert left + width <= 500
    assert top <= 200
    assert top + height >= 400


def test_dropping_a_hidden_defect_lowers_the_threshold() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.uniform(0.0, 0.2, (32, 32)).astype(np.float32) for _ in range(20)]
    maps[4][10:20, 10:20] = 0.9
    table = influence_table(
        lambda: iter(maps), [4, 7], groups=[str(i) for i in range(20)], false_reject_budget=0.005
    )
    fail = [float(row[1]) for row in table.rows]
    assert [row[0] for row in table.rows] == ["0", "1", "2"]
    assert [row[3] for row in table.rows] == ["20", "19", "18"]
    assert fail[0] > 0.8
    assert max(fail[1:]) < 0.3


def test_the_suspects_are_told_apart_from_the_others() -> None:
    before, after = np.array([0.0, 1.0, 5.0, 2.0]), np.array([0.0, 0.5, 8.0, 1.0])
    rows = {row[0]: row[1:] for row in rescored_table(before, after, [2]).rows}
    assert rows["the suspects, median"] == ("5.00", "8.00", "+3.00")
    assert rows["the others, median"] == ("1.00", "0.50", "-0.50")
    assert rows["the others, highest"] == ("2.00", "1.00", "-1.00")


def test_a_cell_network_finds_the_cells_it_was_taught() -> None:
    rng = np.random.default_rng(0)
    cells = rng.normal(0, 1, (2000, 5)).astype(np.float32)
    is_defect = cells[:, 0] + cells[:, 1] > 1.5
    weights = train_cells(cells, is_defect, CellNetSettings(steps=200), seed=0)
    odds = score_cells(cells.reshape(40, 50, 5), weights)
    assert (odds.ravel() > 0)[is_defect].mean() > 0.95
    assert (odds.ravel() > 0)[~is_defect].mean() < 0.1
    again = train_cells(cells, is_defect, CellNetSettings(steps=200), seed=0)
    assert np.array_equal(odds, score_cells(cells.reshape(40, 50, 5), again))


def test_another_exposure_hardly_changes_the_cells() -> None:
    frame = draw_surface(1, spot=True)
    darker = (frame * 0.6).astype(np.uint8)
    one, other = (cell_features(working_frame(each)) for each in (frame, darker))
    assert one.shape == other.shape
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("shape", [(3, 900), (900, 3), (1, 1)])
def test_photos_of_any_shape_have_cells(shape: tuple[int, int]) -> None:
    features = cell_features(working_frame(np.zeros((*shape, 3), np.uint8)))
    assert min(features.shape[:2]) >= 2
    assert np.isfinite(features).all()


def test_textures_depend_on_no_other_photo_of_the_batch() -> None:
    frames = [draw_stripes("across", 0), draw_stripes("along", 1, side_px=90)]
    both = features_of(frames)
    assert np.isfinite(both).all()
    assert np.allclose(both[1], features_of(frames[1:])[0], atol=1e-5)


def test_too_few_parts_are_refused(good_parts: Path, tmp_path: Path) -> None:
    photos = open_material(good_parts).photos[:3]
    with pytest.raises(DatasetError, match="3 good photos of 3 parts are too few"):
        check_good_photos(photos, GoodCheckSettings(), Kept(tmp_path / "work"), Workers(), console=CONSOLE)
