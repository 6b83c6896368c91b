"""Hard limits: exactly at the limit fits, one more does not."""

from __future__ import annotations

import pytest

from search.autodd.space import CostTable
from search.limits.cost import NetworkCost, network_cost
from search.limits.limits import violations
from search.nets.spec import NUM_NODES, NetworkSpec
from search.recipe import LimitsRecipe
from tests.search.conftest import random_genotype

NO_LIMITS = {"max_params_m": None, "max_size_mb": None, "max_macs_g": None}


def limited(**limits: float) -> LimitsRecipe:
    return LimitsRecipe.model_validate({**NO_LIMITS, **limits})


@pytest.mark.parametrize(
    ("params", "macs", "limits", "over"),
    [
        (40_000_000, 0, limited(max_params_m=40), []),
        (40_000_001, 0, limited(max_params_m=40), ["parameters 40 M over 40 M"]),
        (40_000_000, 0, limited(max_size_mb=160), []),
        (40_000_001, 0, limited(max_size_mb=160), ["size 160 MB over 160 MB"]),
        (0, 5_000_000_000, limited(max_macs_g=5), []),
        (0, 5_000_000_001, limited(max_macs_g=5), ["multiply-adds 5 G over 5 G"]),
        (10**12, 10**15, limited(), []),
        (
            48_658_500,
            99 * 10**9,
            LimitsRecipe(max_macs_g=50),
            ["parameters 48.66 M over 40 M", "size 194.6 MB over 160 MB", "multiply-adds 99 G over 50 G"],
        ),
    ],
)
def test_a_limit_is_broken_only_above_it(
    params: int, macs: int, limits: LimitsRecipe, over: list[str]
) -> None:
    assert violations(NetworkCost(params=params, macs=macs), limits) == over


@pytest.mark.parametrize("size_hw", [(32, 32), (64, 32)])
def test_the_cost_table_equals_the_measured_network(size_hw: tuple[int, int]) -> None:
    table = CostTable(width=4, reconstructor_width=2, size_hw=size_hw)
    uniform = [(gene,) * NUM_NODES for gene in range(3)]
    for genes in [*uniform, *(random_genotype(seed) for seed in range(4))]:
        assert table.cost(genes) == network_cost(NetworkSpec("unet", genes, 4, 2), size_hw)


def test_about_5_percent_of_random_genes_are_over_the_papers_budget() -> None:
    table, limits = CostTable(width=64, reconstructor_width=64, size_hw=(256, 256)), LimitsRecipe()
    over = sum(bool(violations(table.cost(random_genotype(seed)), limits)) for seed in range(2000))
    assert over / 2000 == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("width", [1, 2, 64])
def test_the_cheapest_genes_are_cheaper_than_any_neighbour(width: int) -> None:
    table = CostTable(width=width, reconstructor_width=1, size_hw=(32, 32))
    cheapest = table.gene_space().cheapest
    for node in range(NUM_NODES):
        for gene in range(3):
            other = table.cost((*cheapest[:node], gene, *cheapest[node + 1 :]))
            assert other.params >= table.cost(cheapest).params
            assert other.macs >= table.cost(cheapest).macs


def test_a_cost_is_told_in_megabytes_and_giga_multiply_adds() -> None:
    cost = NetworkCost(params=2_500_000, macs=1_500_000_000)
    assert cost.as_dict() == {"params": 2_500_000, "size_mb": 10.0, "macs_g": 1.5}
