"""The feed gives the same samples whoever makes them and wherever it starts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from search.defects import PerlinDefects, ProceduralTextures
from search.recipe import DefectsRecipe
from search.training.feed import Batch, SyntheticSamples, collate, step_keys, training_feed
from tests.conftest import draw_part
from tests.search.conftest import SIDE, make_samples


def feed(*, first_step: int = 0, workers: int = 0, num_photos: int = 5, seed: int = 0) -> list[Batch]:
    samples = make_samples(num_photos, seed=seed)
    return list(
        training_feed(samples, first_step=first_step, num_steps=6, batch_size=4, seed=seed, workers=workers)
    )


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in ("image", "target", "mask"))


@pytest.mark.timeout(120)  # a forked worker inherited a lock and waited for ever
@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_batches(workers: int) -> None:
    alone, together = feed(), feed(workers=workers)
    assert len(alone) == len(together) == 6
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("first_step", [1, 3, 5, 6])
def test_a_feed_that_starts_later_is_the_tail_of_the_whole_one(first_step: int) -> None:
    tail = feed(first_step=first_step)
    assert len(tail) == 6 - first_step
    assert all(same(a, b) for a, b in zip(feed()[first_step:], tail, strict=True))


def test_another_seed_gives_other_batches() -> None:
    assert not same(feed(seed=0)[0], feed(seed=1)[0])


@pytest.mark.parametrize(("num_images", "batch_size"), [(5, 4), (8, 4), (3, 8), (1, 4), (200, 8)])
def test_every_epoch_shows_every_image_once(num_images: int, batch_size: int) -> None:
    num_epochs = 4
    keys = [
        key
        for step in range(-(-num_epochs * num_images // batch_size))
        for key in step_keys(step, num_images=num_images, batch_size=batch_size, seed=0)
    ]
    counts = Counter(keys)
    for epoch in range(num_epochs):
        assert [counts[epoch, index] for index in range(num_images)] == [1] * num_images


def test_the_order_differs_between_epochs_and_seeds() -> None:
    def order(epoch: int, seed: int) -> list[int]:
        return [index for _, index in step_keys(epoch, num_images=32, batch_size=32, seed=seed)]

    assert order(0, 0) != order(1, 0)
    assert order(0, 0) != order(0, 1)


def test_a_batch_is_float32_in_0_to_1_and_its_mask_says_where_image_and_target_differ() -> None:
    batches = feed(num_photos=8)
    for batch in batches:
        assert batch.image.shape == batch.target.shape == (4, 3, SIDE, SIDE)
        assert batch.mask.shape == (4, 1, SIDE, SIDE)
        assert {batch.image.dtype, batch.target.dtype, batch.mask.dtype} == {torch.float32}
        assert 0 <= batch.image.min() <= batch.image.max() <= 1
        assert set(batch.mask.flatten().tolist()) <= {0.0, 1.0}
        differs = (batch.image != batch.target).any(dim=1, keepdim=True)
        assert not (differs & (batch.mask == 0)).any()
    assert any(batch.mask.any() for batch in batches)


def test_images_are_rgb_where_frames_are_bgr() -> None:
    samples = make_samples(1)
    sample = samples[0, 0]
    blue = sample._replace(frame=np.full_like(sample.frame, (255, 0, 0)))
    image = collate([blue]).image
    assert image[0, :, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(("probability", "share"), [(1.0, 1.0), (0.5, 0.5)])
def test_defects_come_with_the_probability_of_the_recipe(probability: float, share: float) -> None:
    style = PerlinDefects(ProceduralTextures(0, num_textures=1))
    samples = SyntheticSamples(
        [draw_part(0, (SIDE, SIDE))], style, DefectsRecipe(probability=probability), seed=0
    )
    changed = [bool((s.frame != s.target).any()) for s in (samples[epoch, 0] for epoch in range(300))]
    # An empty mask makes a good sample of some that were meant to be defective.
    assert share - 0.2 <= np.mean(changed) <= share + 0.08
