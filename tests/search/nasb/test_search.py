"""A search that was stopped at any step ends as the one that was not; what cannot go on is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from inspector.errors import RunError, TrainingError
from search.nasb.architect import Rates
from search.nasb.memory_errors import memory_errors_named
from search.nasb.search import CellSearch, SearchEpoch, SearchPlan, weights_rate
from search.training.image_feed import ImageFeed
from search.training.labelled_images import LabelledImages, normalisation
from tests.search.nasb.test_architect import make_architect

RATES = Rates(architecture=0.05)


def make_feed(*, seed: int, brightness: float = 1.0) -> ImageFeed:
    rng = np.random.default_rng(seed)
    images = LabelledImages(
        rng.integers(256, size=(6, 8, 8, 3), dtype=np.uint8), rng.integers(10, size=6), num_classes=10
    )
    mean, deviation = normalisation(images.images)
    return ImageFeed(images, mean, deviation / brightness, batch_size=3, seed=seed, augment=True)


def make_search(key: str, folder: Path, fabric: Fabric, *, num_epochs: int = 2) -> CellSearch:
    plan = SearchPlan(num_epochs, seed=0, checkpoint_steps=1)
    return CellSearch(make_architect(key, rates=RATES), plan, fabric=fabric, checkpoint=folder / "search.pt")


def state_of(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(folder / "search.pt", weights_only=True)
    return state


class StopError(Exception):
    """Ends a search as a kill would, between two steps."""


@pytest.mark.parametrize("key", ["nasb", "snas"])  # SNAS draws random numbers in every step
def test_a_resumed_search_ends_as_an_uninterrupted_one(key: str, tmp_path: Path, fabric: Fabric) -> None:
    train, valid = make_feed(seed=1), make_feed(seed=2)
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    wanted = make_search(key, tmp_path / "whole", fabric).run(train, valid)

    def stop(_epoch: SearchEpoch) -> None:
        raise StopError("stopped")

    with pytest.raises(StopError, match="stopped"):
        make_search(key, tmp_path / "cut", fabric).run(train, valid, on_epoch=stop)
    torch.rand(5)  # another state of the global stream must not matter
    assert make_search(key, tmp_path / "cut", fabric).run(train, valid) == wanted
    whole, cut = state_of(tmp_path / "whole"), state_of(tmp_path / "cut")
    for part in ("net", "architecture"):
        for name, tensor in whole["architect"][part].items():
            assert torch.equal(tensor, cut["architect"][part][name]), name


def test_a_finished_search_takes_no_step_again(tmp_path: Path, fabric: Fabric) -> None:
    train, valid = make_feed(seed=1), make_feed(seed=2)
    first = make_search("nasb", tmp_path, fabric)
    found = first.run(train, valid)
    again = make_search("nasb", tmp_path, fabric)
    assert again.run(train, valid) == found
    assert again.seconds == first.seconds > 0.0


def test_the_global_stream_of_random_numbers_stays(tmp_path: Path, fabric: Fabric) -> None:
    torch.manual_seed(9)
    wanted = torch.rand(3)
    torch.manual_seed(9)
    search = make_search("snas", tmp_path, fabric, num_epochs=1)
    torch.manual_seed(9)
    search.run(make_feed(seed=1), make_feed(seed=2))
    assert torch.equal(torch.rand(3), wanted)


def test_a_loss_that_is_no_number_leaves_the_last_checkpoint(tmp_path: Path, fabric: Fabric) -> None:
    good, bad = make_feed(seed=1), make_feed(seed=1, brightness=float("nan"))
    make_search("nasb", tmp_path, fabric, num_epochs=2)
    with pytest.raises(TrainingError, match="not a number"):
        make_search("nasb", tmp_path, fabric).run(bad, bad)
    assert not (tmp_path / "search.pt").exists()
    make_search("nasb", tmp_path, fabric).run(good, good)
    assert state_of(tmp_path)["step"] == 4


def test_a_checkpoint_of_another_length_is_refused(tmp_path: Path, fabric: Fabric) -> None:
    make_search("nasb", tmp_path, fabric, num_epochs=1).run(make_feed(seed=1), make_feed(seed=2))
    with pytest.raises(RunError, match="a search of 1 epochs, not 2"):
        make_search("nasb", tmp_path, fabric, num_epochs=2)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("unable to allocate"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore lines"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
    ids=["python", "cuda", "cpu"],
)
def test_used_up_memory_is_one_clear_error(error: Exception) -> None:
    with (
        pytest.raises(TrainingError, match=r"a search step needs more memory .* run the same command again"),
        memory_errors_named("a search step"),
    ):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="sizes do not match"), memory_errors_named("a step"):
        raise RuntimeError("sizes do not match")


def test_the_rate_of_the_weights_falls_from_end_to_end() -> None:
    rates = Rates()
    found = [weights_rate(rates, epoch, 50) for epoch in range(51)]
    assert found[0] == 0.025
    assert found[25] == pytest.approx(0.013)
    assert found[50] == 0.001
    assert found == sorted(found, reverse=True)
