"""Latency as a hard limit: the layers of the exported file, nodes that add up, and a table that obeys."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from export.layers import layers_of
from export.onnx import ScoreNetwork, export_onnx
from inspector.errors import InputError, RecipeError
from inspector.latency import open_profile, predict, write_profile
from inspector.manifest import LayerRecord
from search.autodd.space import CostTable
from search.limits.layers import trace_layers
from search.limits.limits import device_record, limited_cost, profile_of, violations
from search.nets.detector import build_detector
from search.nets.spec import NUM_NODES, NetworkSpec
from search.recipe import LimitsRecipe, load_recipe
from tests.search.conftest import random_genotype

SIZE_HW = (64, 32)
MIXED = NetworkSpec("unet", (0, 1, 2) * 6, 8, 4)
DRAEM = NetworkSpec("draem", (), 4, 4)
NANO = open_profile("jetson-nano")


def _layers(spec: NetworkSpec) -> list[LayerRecord]:
    with torch.device("meta"):
        net = ScoreNetwork(build_detector(spec)).eval()
        return trace_layers(net, torch.empty(1, 3, *SIZE_HW))


def _described(layers: list[LayerRecord]) -> Counter[tuple[Any, ...]]:
    return Counter(
        tuple(value for name, value in layer.model_dump().items() if name != "name")
        for layer in layers
        if layer.op != "Relu"  # fused into the convolution before
    )


@pytest.mark.parametrize("spec", [MIXED, DRAEM], ids=lambda spec: spec.family)
def test_traced_layers_are_those_of_the_exported_file(spec: NetworkSpec) -> None:
    exported = layers_of(onnx.load_from_string(export_onnx(build_detector(spec).eval(), size_hw=SIZE_HW)))
    traced = _layers(spec)
    assert _described(traced) == _described(exported)
    assert predict(traced, NANO).total_ms == pytest.approx(predict(exported, NANO).total_ms, rel=1e-12)


def test_the_table_equals_the_prediction_of_the_whole_network() -> None:
    table = CostTable(width=8, reconstructor_width=4, size_hw=SIZE_HW, profile=NANO)
    limits = LimitsRecipe(device="jetson-nano")
    for seed in range(4):
        genes = random_genotype(seed)
        whole = limited_cost(NetworkSpec("unet", genes, 8, 4), SIZE_HW, limits)
        assert table.cost(genes).latency_ms == pytest.approx(whole.latency_ms, rel=1e-9)


def test_the_fastest_network_is_found_and_need_not_be_the_smallest() -> None:
    table = CostTable(width=8, reconstructor_width=4, size_hw=SIZE_HW, profile=NANO)
    fastest = table.gene_space(by_latency=True).cheapest
    smallest = table.gene_space().cheapest
    assert fastest != smallest  # depthwise convolutions are slow on this GPU
    lowest = table.lowest()
    assert lowest.latency_ms == table.cost(fastest).latency_ms
    assert lowest.params == table.cost(smallest).params
    for node in range(NUM_NODES):
        for gene in range(3):
            other = table.cost((*fastest[:node], gene, *fastest[node + 1 :]))
            assert (other.latency_ms or 0) >= (lowest.latency_ms or 0) - 1e-9


def test_a_latency_limit_is_broken_only_above_it() -> None:
    cost = limited_cost(MIXED, SIZE_HW, LimitsRecipe(device="jetson-nano"))
    assert cost.latency_ms is not None
    at = LimitsRecipe(max_latency_ms=cost.latency_ms, device="jetson-nano")
    below = LimitsRecipe(max_latency_ms=cost.latency_ms * 0.99, device="jetson-nano")
    assert violations(cost, at) == []
    (phrase,) = violations(cost, below)
    assert phrase.startswith("latency ")
    assert "ms over" in phrase
    assert cost.as_dict()["latency_ms"] == round(cost.latency_ms, 4)


def test_a_limit_without_a_device_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("preset: quick\ndata: {root: x}\nlimits: {max_latency_ms: 20}\n")
    with pytest.raises(RecipeError, match="max_latency_ms needs a device"):
        load_recipe(path)


def test_an_unknown_device_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(
        InputError, match=r"device 'jetson-orin' is not known: give jetson-nano, jetson-nano-5w"
    ):
        profile_of(LimitsRecipe(device="jetson-orin"))


def test_what_a_device_was_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "line7.json"
    write_profile(NANO, path)
    record = device_record(LimitsRecipe(device=str(path)))
    assert record is not None
    assert (record["name"], record["basis"], record["precision"]) == ("jetson-nano", "prior", "fp16")
    assert device_record(LimitsRecipe(device="jetson-nano")) == record
    write_profile(NANO.model_copy(update={"overhead_ms": 1.0}), path)
    changed = device_record(LimitsRecipe(device=str(path)))
    assert changed is not None
    assert changed["fingerprint"] != record["fingerprint"]
    assert device_record(LimitsRecipe()) is None
