"""A search with the style of the defects as a gene: a supernet a style, one validation set for all."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from inspector.console import Console
from search.autodd.data import open_run_data
from search.autodd.run import run_search
from search.events import EventLog
from search.recipe import Recipe
from search.run_folder import RunFolder, load_network
from search.training.checkpoint import load_checkpoint
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe

STYLES = ["cutout", "surface"]
SCRATCH = {"retraining_start": "scratch"}


def _recipe(root: Path, changes: dict[str, object] | None = None) -> Recipe:
    joint = {"defects": {"style": "joint", "joint_styles": STYLES}, "network": SCRATCH}
    return tiny_recipe(root, {**joint, **(changes or {})})


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("joint") / "photos"
    write_mvtec(root)
    return root


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("joint-run") / "run"
    run_search(_recipe(photos), folder, console=Console(json_output=True))
    return folder


def test_each_style_has_a_supernet_of_its_own(run: Path) -> None:
    weights = []
    for style in STYLES:
        state = load_checkpoint(RunFolder(run).checkpoint(f"one_shot-{style}"))
        assert state is not None
        weights.append(torch.cat([tensor.float().flatten() for tensor in state["net"].values()]))
    assert (weights[0] != weights[1]).any()


def test_candidates_of_both_styles_were_evaluated(run: Path) -> None:
    genes = {event["genes"] for event in EventLog.read(RunFolder(run).events) if event["kind"] == "candidate"}
    assert {len(digits) for digits in genes} == {19}
    assert {digits[-1] for digits in genes} == {"0", "1"}


def test_the_winner_is_trained_as_if_its_genes_and_style_had_been_named(
    run: Path, photos: Path, tmp_path: Path
) -> None:
    result = run_search(_recipe(photos), run, console=Console(json_output=True))  # finished: read, not run
    digits = result["genes"]["digits"]
    assert result["genes"]["space"] == "joint"
    assert result["style"] == STYLES[int(digits[-1])]
    named = tiny_recipe(
        photos, {"network": {"genes": digits[:-1], **SCRATCH}, "defects": {"style": result["style"]}}
    )
    run_search(named, tmp_path / "named", console=Console(json_output=True))
    one, other = load_network(run).state_dict(), load_network(tmp_path / "named").state_dict()
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_the_validation_set_is_the_same_for_all_styles_and_mixes_them(photos: Path) -> None:
    changes = {"evolution": {"validation_images": 40}}
    data = open_run_data(_recipe(photos, changes))
    masks = torch.cat([batch.mask for batch in data.validation_batches()])[1::2, 0]  # half have a defect
    filled = []
    for mask in masks[masks.any(dim=2).any(dim=1)]:
        rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
        box = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        filled.append(float(mask.sum() / box))
    assert filled.count(1.0) >= 4  # rectangles of cutout
    assert sum(share < 0.9 for share in filled) >= 4  # spots and strokes


def test_the_report_shows_a_curve_for_each_style_and_the_network(run: Path) -> None:
    page = RunFolder(run).report.read_text()
    for style in STYLES:
        assert f"One-shot training on {style}: loss" in page
    assert 'class="genes"' in page
