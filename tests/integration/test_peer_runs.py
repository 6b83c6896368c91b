"""Whole runs of peers by the loop of AutoDD: a result, a report, a network that opens again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import mobilenet_v2

from inspector.console import Console
from inspector.errors import BudgetError, RecipeError
from search.autodd.run import run_search
from search.run_folder import load_network, load_result
from tests.conftest import write_mvtec
from tests.search.conftest import tiny_recipe
from tests.search.nets.peers.cells import ALL_OPERATIONS

CONSOLE = Console(json_output=True)
SHORT = {"one_shot": {"steps": 2}, "retraining": {"steps": 2}}
GENES = "".join(str(gene) for gene in ALL_OPERATIONS[0])


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mvtec(tmp_path_factory.mktemp("data") / "parts")


@pytest.mark.parametrize("family", ["mobile_unet", "shuffle_fabric", "scunet"])
def test_a_peer_is_trained_and_measured_like_any_network(parts: Path, tmp_path: Path, family: str) -> None:
    recipe = tiny_recipe(parts, {**SHORT, "network": {"family": family}})
    result = run_search(recipe, tmp_path / "run", console=CONSOLE)
    record = load_result(tmp_path / "run")
    assert (record.network.family, record.network.reconstructor_width) == (family, 0)
    assert (record.space, record.genes, result["searched"]) == ("", "", False)
    assert 0 <= record.metrics["pixel_aupr"] <= 1
    assert load_network(tmp_path / "run").reconstructor is None
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_nas_unet_searches_its_cells_first_and_then_trains_them(parts: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(parts, {**SHORT, "network": {"family": "nas_unet", "width": 4}})
    result = run_search(recipe, tmp_path / "run", console=CONSOLE)
    assert set(result["seconds"]) == {"cells", "retraining", "evaluation"}
    assert (result["genes"]["space"], result["searched"]) == ("nas_unet", True)
    assert result["network"]["genes"] == result["genes"]["digits"]
    assert len(result["genes"]["digits"]) == 24
    assert sum(p.numel() for p in load_network(tmp_path / "run").parameters()) == result["params"]


def test_cells_that_a_recipe_names_are_trained_without_a_search(parts: Path, tmp_path: Path) -> None:
    network = {"family": "nas_unet", "genes": GENES, "width": 4, "reconstructor": True}
    result = run_search(tiny_recipe(parts, {**SHORT, "network": network}), tmp_path / "run", console=CONSOLE)
    assert (result["genes"]["digits"], result["searched"]) == (GENES, False)
    assert result["network"]["reconstructor_width"] == 2  # asked for, though a peer stands alone otherwise


def test_derived_cells_over_the_limits_are_refused(parts: Path, tmp_path: Path) -> None:
    changes = {**SHORT, "network": {"family": "nas_unet", "width": 4}, "limits": {"max_params_m": 1e-4}}
    with pytest.raises(BudgetError, match=r"over its limits: parameters .* M over 0\.0001 M"):
        run_search(tiny_recipe(parts, changes), tmp_path / "run", console=CONSOLE)


def test_an_encoder_may_begin_with_weights_from_a_file(parts: Path, tmp_path: Path) -> None:
    file = tmp_path / "mobilenet.pth"
    torch.save(mobilenet_v2().state_dict(), file)
    network: dict[str, Any] = {"family": "mobile_unet", "encoder_weights": str(file)}
    with pytest.raises(RecipeError, match=r"does not fit the encoder.*network\.width 64"):
        run_search(tiny_recipe(parts, {**SHORT, "network": network}), tmp_path / "narrow", console=CONSOLE)
    other = {**network, "family": "shuffle_fabric"}
    with pytest.raises(RecipeError, match=r"has no weight 'conv1\.0\.weight': it is of another encoder"):
        run_search(tiny_recipe(parts, {**SHORT, "network": other}), tmp_path / "other", console=CONSOLE)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"family": "nas_unet", "genes": "012"}, r"`network\.genes` has 3 digits, but a nas_unet has 24"),
        ({"family": "scunet", "encoder_weights": "x.pth"}, "encoder_weights are for mobile_unet and shuffle"),
        ({"reconstructor": False}, "reconstructor: false is for peers"),
    ],
)
def test_a_recipe_that_asks_a_network_for_what_it_has_not_is_refused(
    parts: Path, network: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        tiny_recipe(parts, {"network": network})
