"""The numbers of edges, kinds and places of cells are those of [D] and DARTS."""

from __future__ import annotations

import pytest

from search.nets.cell.space import (
    NASB_OPERATIONS,
    OPERATION_NAMES,
    OPERATION_SETS,
    cell_kinds,
    cell_places,
    edge_stride,
    first_edge,
    num_edges,
)


@pytest.mark.parametrize("num_nodes", range(3, 9))
def test_edges_are_numbered_without_a_gap(num_nodes: int) -> None:
    numbers = [first_edge(node) + source for node in range(2, num_nodes) for source in range(node)]
    assert numbers == list(range(num_edges(num_nodes)))
    assert num_edges(num_nodes) == (num_nodes + 1) * (num_nodes - 2) // 2


def test_the_sizes_of_table_3_1() -> None:
    assert (len(NASB_OPERATIONS.normal), len(NASB_OPERATIONS.reduce)) == (8, 5)
    assert num_edges() == 14


@pytest.mark.parametrize("name", sorted(OPERATION_SETS))
def test_every_candidate_is_known_and_there_once(name: str) -> None:
    for kind in ("normal", "reduce"):
        candidates = OPERATION_SETS[name].of(kind)
        assert set(candidates) <= set(OPERATION_NAMES)
        assert len(set(candidates)) == len(candidates)


@pytest.mark.parametrize(("num_cells", "reducing"), [(8, [3, 6]), (20, [7, 14]), (3, [2, 3])])
def test_which_cells_reduce(num_cells: int, reducing: list[int]) -> None:
    kinds = cell_kinds(num_cells)
    assert [number + 1 for number, kind in enumerate(kinds) if kind == "reduce"] == reducing


def test_only_edges_from_the_inputs_of_a_reduce_cell_halve() -> None:
    assert [edge_stride("reduce", source) for source in range(4)] == [2, 2, 1, 1]
    assert [edge_stride("normal", source) for source in range(4)] == [1, 1, 1, 1]


def test_channels_of_the_eight_cells() -> None:
    places = cell_places(16, [4] * 8)
    assert [place.channels for place in places] == [16, 16, 32, 32, 32, 64, 64, 64]
    assert [place.last_channels for place in places] == [48, 64, 64, 128, 128, 128, 256, 256]
    assert [place.before_channels for place in places] == [48, 48, 64, 64, 128, 128, 128, 256]
    assert [place.number for place in places if place.halve_before] == [3, 6]
