"""The space `dual`: its costs are those of the networks, and a third of them is easily reached."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import RecipeError
from inspector.latency import open_profile
from search.autodd.costs import Costs
from search.autodd.dual_space import DualSpace
from search.autodd.space import UNetSpace
from search.autodd.space_choice import open_space
from search.limits.cost import network_cost
from search.limits.limits import limited_cost
from search.nets.detector import build_detector, initialise
from search.nets.dual import DualPath
from search.nets.spec import Genes
from search.recipe import LimitsRecipe, Recipe, parse_recipe

SIZE_HW = (32, 48)
SPACE = DualSpace(8, 4)
NANO = "jetson-nano"


@pytest.fixture(scope="module")
def costs() -> Costs:
    return SPACE.costs(SIZE_HW, profile=open_profile(NANO))


def random_genes(seed: int) -> Genes:
    return tuple(int(gene) for gene in np.random.default_rng(seed).integers(SPACE.alphabets))


def test_the_cost_table_equals_the_measured_network(costs: Costs) -> None:
    for seed in range(6):
        genes = random_genes(seed)
        measured = limited_cost(SPACE.spec(genes), SIZE_HW, LimitsRecipe(device=NANO))
        assert costs.cost(genes) == measured
        assert costs.cost(genes).latency_ms == pytest.approx(measured.latency_ms, rel=1e-9)


@pytest.mark.parametrize("by_latency", [False, True])
def test_nothing_is_cheaper_than_the_cheapest(costs: Costs, by_latency: bool) -> None:
    cheapest = tuple(gene or 0 for gene in costs.gene_space(by_latency=by_latency).cheapest)

    def figure(genes: Genes) -> float:
        cost = costs.cost(genes)
        return (cost.latency_ms or 0) + 1e-9 if by_latency else cost.params

    for place, num_values in enumerate(SPACE.alphabets):
        for gene in range(num_values):
            assert figure((*cheapest[:place], gene, *cheapest[place + 1 :])) >= figure(cheapest) - 1e-8
    lowest = costs.lowest()
    assert figure(cheapest) == pytest.approx(lowest.latency_ms if by_latency else lowest.params)


def test_a_third_of_the_multiply_adds_of_a_plain_pair_is_far_inside_the_space() -> None:
    dual, unet = DualSpace(64, 64), UNetSpace(64, 64)
    plain = network_cost(unet.spec((0,) * 18), (256, 256)).macs_g
    costs = dual.costs((256, 256))
    cheap = sum(costs.cost(random_genes(seed)).macs_g < plain / 3 for seed in range(300)) / 300
    assert 0.5 < cheap < 1
    assert costs.lowest().macs_g < plain / 100


def test_genes_are_written_and_read_with_their_alphabet() -> None:
    genes = random_genes(1)
    assert SPACE.read(SPACE.digits(genes)) == genes
    with pytest.raises(ValueError, match="digit 41 of space dual is 0 to 2"):
        SPACE.read("0" * 41 + "3")


def test_a_network_inherits_its_width() -> None:
    supernet, path = SPACE.build_supernet(), DualPath.of(random_genes(2))
    genes = replace(path, segmenter_level=1, reconstructor_level=0).genes
    initialise(supernet, "he", seed=0)
    net = build_detector(SPACE.spec(genes))
    SPACE.inherit(net, supernet, genes)
    assert net.get_submodule("segmenter").get_parameter("head.weight").shape[1] == 4
    assert net.get_submodule("reconstructor").get_parameter("head.weight").shape[1] == 1


def dual_recipe(**network: object) -> Recipe:
    record = {"preset": "quick", "data": {"root": "/photos"}, "network": {"space": "dual", **network}}
    return parse_recipe(record)


def test_a_recipe_names_the_space() -> None:
    assert open_space(dual_recipe(width=8, reconstructor_width=4)) == SPACE
    assert open_space(parse_recipe({"preset": "quick", "data": {"root": "/photos"}})).name == "unet"
    assert dual_recipe(genes="0" * 42, width=4).network.is_fixed


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"genes": "0" * 18}, "must be 42 digits out of 012"),
        ({"width": 6}, "width is 6, but space dual has quarters: take a multiple of 4"),
        ({"family": "draem"}, "space dual is one of the family unet, not of draem"),
        ({"space": "duall"}, "Input should be 'unet' or 'dual'"),
    ],
)
def test_what_does_not_fit_the_space_is_refused(network: dict[str, object], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        dual_recipe(**network)
