"""AutoDD under noise: rows differ in noise and loss alone, and hidden defects are tested by no row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.dataset import Dataset, open_dataset
from inspector.errors import DatasetError
from search.recipe import parse_recipe
from search.reproduce import photo_sets
from search.reproduce.autodd_noise import CONDITIONS, LOSSES, AutoDDNoise
from search.reproduce.contamination import hidden_groups, write_pair
from search.reproduce.experiment import Options
from search.reproduce.photo_sets import photo_sets as open_photo_sets
from tests.conftest import write_mvtec


@pytest.fixture
def grouped(tmp_path: Path) -> Path:
    """Twelve good photos and three defects; the first two defects are of one part."""
    root = write_mvtec(tmp_path / "source")
    rows = ["test/scratch/000.png,left", "test/scratch/001.png,left", "test/good/000.png,left"]
    (root / "groups.csv").write_text("\n".join(["file,group", *rows]) + "\n")
    return root


def pair(source: Path, folder: Path, **options: Any) -> tuple[Dataset, Dataset]:
    write_pair(source, folder / "clean", folder / "contaminated", **options)
    return open_dataset(folder / "clean"), open_dataset(folder / "contaminated")


def test_hidden_defects_are_in_the_training_of_one_and_in_neither_test(mvtec: Path, tmp_path: Path) -> None:
    clean, contaminated = pair(mvtec, tmp_path, share=0.08, seed=0)
    assert len(clean.train) == 12
    assert len(contaminated.train) == 13
    assert [s.name for s in clean.test] == [s.name for s in contaminated.test]
    assert len(clean.test_defects) == 2
    (hidden,) = {s.name for s in contaminated.train} - {s.name for s in clean.train}
    assert "scratch" in hidden
    tested = {s.path.resolve() for s in contaminated.test}
    assert not tested & {s.path.resolve() for s in contaminated.train}


def test_a_part_is_hidden_whole_and_its_good_photos_leave_the_test(grouped: Path, tmp_path: Path) -> None:
    dataset = open_dataset(grouped)
    assert (
        len({hidden_groups(dataset, share=0.08, seed=seed) for seed in range(5)}) == 1
    )  # `left` is too large
    grown = write_mvtec(tmp_path / "more", num_train=24)
    (grown / "groups.csv").write_text((grouped / "groups.csv").read_text())
    for index in range(3, 8):
        for place, end in (("test/scratch", ""), ("ground_truth/scratch", "_mask")):
            (grown / place / f"{index:03}{end}.png").write_bytes(
                (grown / place / f"000{end}.png").read_bytes()
            )
    choices = {hidden_groups(open_dataset(grown), share=0.08, seed=seed) for seed in range(12)}
    assert frozenset({"left"}) in choices
    seed = next(s for s in range(12) if "left" in hidden_groups(open_dataset(grown), share=0.08, seed=s))
    clean, contaminated = pair(grown, tmp_path / "pair", share=0.08, seed=seed)
    assert len(contaminated.train) == len(clean.train) + 2
    assert not any(s.group == "left" for s in clean.test)


def test_groups_are_kept(grouped: Path, tmp_path: Path) -> None:
    clean, _ = pair(grouped, tmp_path, share=0.08, seed=0)
    assert sum(s.group == "left" for s in clean.test) == 3


def test_photos_that_are_there_already_stay(mvtec: Path, tmp_path: Path) -> None:
    pair(mvtec, tmp_path, share=0.08, seed=0)
    (tmp_path / "clean" / "mark").touch()
    pair(mvtec, tmp_path, share=0.08, seed=1)
    assert (tmp_path / "clean" / "mark").exists()


def test_too_few_defects_are_refused(mvtec: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has 3 defects; hiding 3 of them among 12 good photos"):
        pair(mvtec, tmp_path, share=0.2, seed=0)


@pytest.mark.data
def test_a_tenth_of_the_magnetic_tiles_can_be_hidden(real_data: Path, tmp_path: Path) -> None:
    clean, contaminated = pair(real_data / "magnetic_tile", tmp_path, share=0.1, seed=0)
    hidden = len(contaminated.train) - len(clean.train)
    assert hidden / len(contaminated.train) == pytest.approx(0.1, abs=0.01)
    assert len(contaminated.test_defects) == 189 - hidden
    assert not {s.group for s in contaminated.test} & {s.group for s in contaminated.train}


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The recipe of every row on a small data set, by the row's method."""
    source = write_mvtec(tmp_path / "part", num_train=10)
    monkeypatch.setattr(photo_sets.PhotoSet, "root", lambda _set, _beside: source)
    experiment, options = AutoDDNoise(), Options(preset="quick", seeds=(0,))
    (photos,) = open_photo_sets(options)
    return {
        method.key: experiment.recipe(
            method, photos, 0, folder=tmp_path / "work" / method.key, options=options
        )
        for method in experiment.methods
    }


def test_there_is_a_row_for_every_noise_and_loss() -> None:
    assert [m.key for m in AutoDDNoise.methods] == [f"{c}-{loss}" for c in CONDITIONS for loss in LOSSES]


def test_every_row_is_a_recipe_with_its_loss_and_noise(recipes: dict[str, dict[str, Any]]) -> None:
    for key, record in recipes.items():
        condition, _, loss = key.partition("-")
        recipe = parse_recipe(record)
        assert recipe.loss.segmentation == loss
        assert (recipe.mask_noise.training > 0) == (condition in ("noisy_training", "all_noisy"))
        assert (recipe.mask_noise.fitness > 0) == (condition in ("noisy_fitness", "all_noisy"))
        assert recipe.data.root.name.endswith("contaminated" if condition == "contaminated" else "clean")
        assert not recipe.network.is_fixed


def test_only_noise_and_loss_differ_between_rows(recipes: dict[str, dict[str, Any]]) -> None:
    rest = [
        {k: v for k, v in record.items() if k not in ("data", "loss", "mask_noise")}
        for record in recipes.values()
    ]
    assert all(record == rest[0] for record in rest)


def test_a_supernet_is_lent_only_where_it_was_trained_alike(recipes: dict[str, dict[str, Any]]) -> None:
    lent = [method for method in AutoDDNoise.methods if method.supernet_of]
    keys = [method.key for method in AutoDDNoise.methods]
    assert len(lent) == 2 * len(LOSSES)
    for method in lent:
        own, lender = parse_recipe(recipes[method.key]), parse_recipe(recipes[method.supernet_of])
        assert own.mask_noise.training == lender.mask_noise.training
        assert own.model_copy(update={"mask_noise": lender.mask_noise}) == lender
        assert keys.index(method.supernet_of) < keys.index(method.key)
