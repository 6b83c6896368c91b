"""What a run trains on, validates on, and never touches."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch

from inspector.dataset import read_frame
from inspector.preprocess import resize_frame
from search.autodd.data import RunData, open_run_data
from search.labels.mask_noise import MASK_NOISE
from search.recipe_sections import MaskNoiseName
from search.training import feed as feed_module
from tests.search.conftest import SIDE, tiny_recipe


@pytest.fixture
def run_data(mvtec: Path) -> RunData:
    return open_run_data(tiny_recipe(mvtec))


def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record every photo that is read from now on."""
    paths: list[Path] = []

    def record(path: Path) -> object:
        paths.append(path)
        return read_frame(path)

    monkeypatch.setattr(feed_module, "read_frame", record)
    return paths


def test_search_and_validation_open_their_own_parts_and_nobody_opens_calibration_or_test(
    run_data: RunData, mvtec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split, paths = run_data.split, opened(monkeypatch)

    def photos(part: tuple[object, ...]) -> set[Path]:
        return {sample.path for sample in part}  # type: ignore[attr-defined]

    run_data.search_samples()
    assert set(paths) == photos(split.training)
    paths.clear()
    run_data.validation_batches()
    assert set(paths) == photos(split.validation)
    paths.clear()
    open_run_data(tiny_recipe(mvtec)).retraining_samples()
    assert set(paths) == photos((*split.training, *split.validation))
    assert split.calibration
    assert not set(paths) & (photos(split.calibration) | photos(run_data.dataset.test))


def test_every_photo_is_read_once_for_all_styles_and_stages(
    mvtec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A joint search read and resized its photos again for each of its styles."""
    joint = {"style": "joint", "joint_styles": ["cutout", "scar", "surface"]}
    run_data = open_run_data(tiny_recipe(mvtec, {"defects": joint}))
    paths = opened(monkeypatch)
    for style in range(3):
        run_data.search_samples(style)
    run_data.validation_batches()
    run_data.retraining_samples(1)
    split = run_data.split
    assert sorted(paths) == sorted(photo.path for photo in (*split.training, *split.validation))


def test_no_calibration_photo_is_in_any_sample(mvtec: Path) -> None:
    run_data = open_run_data(tiny_recipe(mvtec, {"defects": {"rotate_probability": 0}}))
    shown = [
        run_data.retraining_samples()[epoch, index].target
        for epoch in range(2)
        for index in range(len(run_data.retraining_samples()))
    ]
    for sample in run_data.split.calibration:
        photo = resize_frame(read_frame(sample.path), size_hw=(SIDE, SIDE))
        assert not any((photo == target).all() for target in shown)
    for sample in run_data.split.training:
        photo = resize_frame(read_frame(sample.path), size_hw=(SIDE, SIDE))
        assert any((photo == target).all() for target in shown)


def test_validation_is_drawn_once_half_good_half_defective(run_data: RunData) -> None:
    first, second = run_data.validation_batches(), run_data.validation_batches()
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a.image, b.image)
        assert torch.equal(a.mask, b.mask)
    masks = torch.cat([batch.mask for batch in first])
    assert len(masks) == run_data.recipe.evolution.validation_images
    assert not masks[::2].any()
    assert masks[1::2].any()


def test_recalibration_uses_batches_that_no_training_step_has_seen(run_data: RunData) -> None:
    samples = run_data.search_samples()
    batches = run_data.recalibration_batches(samples)
    assert len(batches) == run_data.recipe.evolution.recalibration_batches
    trained = feed_module.training_feed(
        samples, first_step=0, num_steps=20, batch_size=4, seed=run_data.recipe.seed, workers=0
    )
    defective = [batch.image[i] for batch in batches for i in range(4) if batch.mask[i].any()]
    seen = [image for batch in trained for image in batch.image]
    assert defective
    assert not any(torch.equal(image, other) for image in defective for other in seen)


def test_textures_come_from_the_folder_that_the_recipe_names(mvtec: Path) -> None:
    recipe = tiny_recipe(mvtec, {"defects": {"textures": str(mvtec / "train/good")}})
    run_data = open_run_data(recipe)
    plain = open_run_data(tiny_recipe(mvtec))
    ours, theirs = run_data.validation_batches(), plain.validation_batches()
    assert not all(torch.equal(a.image, b.image) for a, b in zip(ours, theirs, strict=True))


def masks_of(run_data: RunData) -> dict[str, torch.Tensor]:
    trained = next(
        feed_module.training_feed(
            run_data.search_samples(), first_step=0, num_steps=1, batch_size=16, seed=0, workers=0
        )
    )
    return {"training": trained.mask, "fitness": torch.cat([b.mask for b in run_data.validation_batches()])}


@pytest.mark.parametrize("part", ["training", "fitness"])
def test_wrong_masks_are_in_the_part_that_the_recipe_names(mvtec: Path, part: str) -> None:
    clean = masks_of(open_run_data(tiny_recipe(mvtec)))
    noisy = masks_of(open_run_data(tiny_recipe(mvtec, {"mask_noise": {part: 1.0}})))
    assert {name for name in clean if not torch.equal(clean[name], noisy[name])} == {part}


def test_kinds_of_mask_noise_in_a_recipe_are_those_that_there_are() -> None:
    assert set(get_args(MaskNoiseName)) == set(MASK_NOISE)
