"""The compact cell keeps the strongest edges; `none` is never among them; different cells stay different."""

from __future__ import annotations

import pytest
import torch

from search.nasb.derive import derive
from search.nasb.methods import METHODS
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import DARTS_OPERATIONS, NASB_OPERATIONS, first_edge


def architecture_of(key: str, *, different: bool = False, seed: int = 0) -> Architecture:
    return Architecture(
        NASB_OPERATIONS,
        num_cells=8,
        seed=seed,
        different=different,
        with_edges=METHODS[key].with_edges,
    )


@pytest.mark.parametrize("key", sorted(METHODS))
def test_what_was_made_strongest_is_derived(key: str) -> None:
    architecture = architecture_of(key)
    wanted = {2: (0, 1), 3: (0, 2), 4: (1, 3), 5: (2, 4)}
    with torch.no_grad():
        for node, sources in wanted.items():
            for source in sources:
                edge = first_edge(node) + source
                architecture.normal[0][edge, (node + source) % 8] = 1.0
                if METHODS[key].with_edges:
                    architecture.normal_edges[0][edge] = 1.0
    (cell,) = derive(architecture, METHODS[key], NASB_OPERATIONS).normal
    for node, chosen in enumerate(cell.nodes, start=2):
        assert tuple(one.source for one in chosen) == wanted[node]
        for one in chosen:
            assert one.operation == NASB_OPERATIONS.normal[(node + one.source) % 8]


def test_parameters_of_edges_decide_between_edges() -> None:
    architecture = architecture_of("pc-darts")
    with torch.no_grad():
        architecture.normal_edges[0][first_edge(5) + 3] = 5.0
        architecture.normal_edges[0][first_edge(5) + 4] = 5.0
    (cell,) = derive(architecture, METHODS["pc-darts"], NASB_OPERATIONS).normal
    assert [edge.source for edge in cell.nodes[-1]] == [3, 4]


def test_no_edge_is_derived_without_an_operation() -> None:
    architecture = Architecture(DARTS_OPERATIONS, num_cells=8, seed=0)
    with torch.no_grad():
        architecture.normal[0][:, DARTS_OPERATIONS.normal.index("none")] = 9.0
    assert "none" not in derive(architecture, METHODS["darts-1"], DARTS_OPERATIONS).text()


def test_different_cells_are_derived_one_by_one() -> None:
    found = derive(architecture_of("darts-1", different=True), METHODS["darts-1"], NASB_OPERATIONS)
    assert (len(found.normal), len(found.reduce)) == (6, 2)
    assert len(set(found.normal)) > 1
    assert len(found.cells(20)) == 20
