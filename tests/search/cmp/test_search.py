"""Searches of cells on partitions: resumed, refused, and alike whatever the parallelism."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inspector.errors import InputError
from search.cmp.cells import classification, cut_cells
from search.cmp.parallel_architect import ParallelArchitect
from search.cmp.parallel_plan import ParallelPlan
from search.cmp.search import Found, search_cells
from search.cmp.sequential import ModelParallel, Parallelism
from search.nasb.cell_scale import CellScale, Feeds, make_feeds
from search.nasb.methods import METHODS
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import NASB_OPERATIONS
from search.nets.cell.supernet import CellSupernet
from search.training.checkpoint import save_checkpoint
from search.training.labelled_images import LabelledImages

SCALE = CellScale(num_cells=3, channels=4, batch_size=4, num_epochs=2, checkpoint_steps=1)
PLAN = ParallelPlan("mp", ("cpu", "cpu"), SCALE, seed=2)


@pytest.fixture(scope="module")
def feeds() -> Feeds:
    """Two halves of 16 images of 8 x 8 pixels: two steps an epoch."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (16, 8, 8, 3)).astype(np.uint8)
    return make_feeds(METHODS["nasb"], LabelledImages(pixels, np.arange(16) % 10, 10), SCALE, seed=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the cut is known already: nothing is measured."""
    (tmp_path / "sizes.json").write_text("[2, 3]")
    return tmp_path


def weights_of(folder: Path) -> list[torch.Tensor]:
    state = torch.load(folder / "search.pt", weights_only=True)["architect"]
    return [*state["net"].values(), *state["architecture"].values()]


def found_again(found: Found) -> tuple[str, int]:
    return found.genotype, found.num_steps


def test_a_search_by_cmp_is_that_by_mp_and_goes_on_after_a_kill(
    feeds: Feeds, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_mp = search_cells(PLAN, feeds, folder=folder)
    expected = weights_of(folder)
    (folder / "search.pt").unlink()
    plan = replace(PLAN, kind="cmp")

    class KilledError(Exception):
        pass

    saves: list[Path] = []

    def kill_after_save(path: Path, state: dict[str, object]) -> None:
        save_checkpoint(path, state)
        saves.append(path)
        if len(saves) == 3:
            raise KilledError("behind the third step")

    monkeypatch.setattr("search.nasb.search.save_checkpoint", kill_after_save)
    with pytest.raises(KilledError, match="behind the third step"):
        search_cells(plan, feeds, folder=folder)
    by_cmp = search_cells(plan, feeds, folder=folder)
    assert len(saves) == 4  # the fourth step alone was left
    assert found_again(by_cmp) == found_again(by_mp)
    assert all(torch.equal(a, b) for a, b in zip(weights_of(folder), expected, strict=True))


def test_the_cut_is_measured_once_and_kept(feeds: Feeds, tmp_path: Path) -> None:
    plan = replace(PLAN, scale=replace(SCALE, num_epochs=1))
    search_cells(plan, feeds, folder=tmp_path)
    sizes = json.loads((tmp_path / "sizes.json").read_text())
    assert len(sizes) == 2
    assert sum(sizes) == 5  # the stem, three cells, the classifier


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (replace(PLAN, devices=("cpu",) * 4), "4 partitions are more than the 3 cells"),
        (replace(PLAN, devices=("cpu", "cuda:77")), "there is no CUDA device cuda:77"),
        (
            replace(PLAN, kind="cmp-dp", devices=("cpu",) * 3, num_copies=2),
            "3 devices cannot be shared evenly by 2 copies",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused(
    plan: ParallelPlan, said: str, feeds: Feeds, folder: Path
) -> None:
    with pytest.raises(InputError, match=said):
        search_cells(plan, feeds, folder=folder)


def architect_of(method: str) -> ParallelArchitect:
    torch.manual_seed(0)
    net = CellSupernet(METHODS[method].make_node, num_cells=3, channels=4)
    architecture = Architecture(NASB_OPERATIONS, num_cells=3, seed=0, start=METHODS[method].start)

    def parallelize() -> Parallelism:
        return ModelParallel(cut_cells(net, [torch.device("cpu")] * 2), classification)

    return ParallelArchitect(net, architecture, METHODS[method], parallelize=parallelize)


@pytest.mark.parametrize("method", ["snas", "darts-2"])
def test_a_method_without_two_losses_at_one_point_is_refused(method: str) -> None:
    with pytest.raises(InputError, match="does not learn from two losses at the same weights"):
        architect_of(method)


def test_a_step_clips_gradients_and_keeps_A_within_its_bounds(feeds: Feeds) -> None:  # noqa: N802
    architect = architect_of("nasb")
    with torch.no_grad():
        for matrix in architect.architecture.parameters():
            matrix.fill_(1.0)  # where the gradient is negative, Adam would lead beyond
    before = [weight.clone() for weight in architect.net.parameters()]
    architect.learn(feeds.train.batch(0), feeds.valid.batch(0), rate=1.0, progress=0.0)
    moved = [not torch.equal(a, b) for a, b in zip(architect.net.parameters(), before, strict=True)]
    grads = [one.grad.norm() for one in architect.net.parameters() if one.grad is not None]
    assert float(torch.stack(grads).norm()) <= architect.rates.max_grad_norm * 1.0001
    assert any(moved)
    for matrix in architect.architecture.parameters():
        assert (matrix < 1.0).any()
        assert (matrix <= 1.0).all()
        assert (matrix == 1.0).any()
