"""Cells follow from weights by the rule of the paper, and genes that are no cells are refused."""

from __future__ import annotations

import numpy as np
import pytest

from search.nets.peers.nas_unet_genotype import (
    CELL_KINDS,
    NUM_GENES,
    OPERATIONS,
    CellKind,
    EdgeKind,
    derive,
    edges,
    numbered_edges,
    read_genes,
)
from tests.search.nets.peers.cells import ALL_OPERATIONS

Table = dict[tuple[CellKind, EdgeKind], np.ndarray]


def uniform() -> Table:
    """Weights of a search that has not begun."""
    table: Table = {}
    for cell in CELL_KINDS:
        kinds = [edge.kind for edge in edges(cell)]
        for kind in set(kinds):
            table[cell, kind] = np.full((kinds.count(kind), len(OPERATIONS[kind])), 1 / len(OPERATIONS[kind]))
    return table


def raise_weight(table: Table, cell: CellKind, source: int, node: int, name: str, factor: float) -> None:
    edge, row = next((e, r) for e, r in numbered_edges(cell) if (e.source, e.node) == (source, node))
    table[cell, edge.kind][row, OPERATIONS[edge.kind].index(name)] *= factor


def test_a_cell_has_nine_edges_and_a_fixed_kind_for_each() -> None:
    assert [(e.source, e.node, e.kind) for e in edges("down")] == [
        (0, 2, "down"), (1, 2, "down"),
        (0, 3, "down"), (1, 3, "down"), (2, 3, "normal"),
        (0, 4, "down"), (1, 4, "down"), (2, 4, "normal"), (3, 4, "normal"),
    ]  # fmt: skip
    assert [(e.source, e.node) for e in edges("up") if e.kind == "up"] == [(1, 2), (1, 3), (1, 4)]


def test_the_two_strongest_edges_of_a_node_are_kept_with_their_strongest_operations() -> None:
    table = uniform()
    raise_weight(table, "down", 0, 2, "max_pool", 1.2)
    raise_weight(table, "down", 1, 2, "conv", 1.1)
    raise_weight(table, "down", 2, 3, "dil_conv", 1.5)
    raise_weight(table, "down", 1, 3, "cweight", 1.4)
    raise_weight(table, "down", 0, 3, "cweight", 1.3)  # the third strongest: dropped
    raise_weight(table, "down", 3, 4, "identity", 1.5)
    raise_weight(table, "down", 0, 4, "dep_conv", 1.4)
    chosen = read_genes(derive(table))["down"]
    assert [(c.edge.source, c.edge.node, c.operation) for c in chosen] == [
        (0, 2, "max_pool"), (1, 2, "conv"),
        (1, 3, "cweight"), (2, 3, "dil_conv"),
        (0, 4, "dep_conv"), (3, 4, "identity"),
    ]  # fmt: skip


def test_none_is_never_derived_however_strong() -> None:
    table = uniform()
    for source, node in [(2, 3), (2, 4), (3, 4)]:
        raise_weight(table, "down", source, node, "none", 50.0)
    assert all(c.operation != "none" for cell in CELL_KINDS for c in read_genes(derive(table))[cell])


def test_edges_with_four_and_six_operations_compare_by_what_is_above_uniform() -> None:
    """0.25 of four is no stronger than 1/6 of six: the up edge wins only when it is raised more."""
    for factor, kept in [(1.05, [0, 2]), (1.3, [0, 1])]:
        table = uniform()
        raise_weight(table, "up", 0, 3, "conv", 1.4)
        raise_weight(table, "up", 2, 3, "conv", 1.2)
        raise_weight(table, "up", 1, 3, "conv", factor)
        chosen = read_genes(derive(table))["up"]
        assert [c.edge.source for c in chosen if c.edge.node == 3] == kept


@pytest.mark.parametrize("genes", ALL_OPERATIONS)
def test_genes_are_read_as_the_edges_that_they_name(genes: tuple[int, ...]) -> None:
    read = read_genes(genes)
    written = []
    for cell in CELL_KINDS:
        for item in read[cell]:
            written += [item.edge.source, OPERATIONS[item.edge.kind].index(item.operation)]
    assert tuple(written) == genes
    assert len(genes) == NUM_GENES


@pytest.mark.parametrize(
    ("place", "digit", "message"),
    [
        (0, 2, "node 2 of the down cell has the input 2, but it is 0 to 1"),
        (1, 6, "node 2 of the down cell has the operation 6 on input 0; it may be 0 avg_pool"),
        (13, 0, "node 2 of the up cell has the operation 0 on input 0; it may be 1 identity"),
        (2, 0, "node 2 of the down cell has one input twice"),
    ],
)
def test_genes_that_are_no_cells_are_refused(place: int, digit: int, message: str) -> None:
    genes = list(ALL_OPERATIONS[0])
    genes[place] = digit
    with pytest.raises(ValueError, match=message):
        read_genes(tuple(genes))
    with pytest.raises(ValueError, match="has 23 digits, but a nas_unet has 24"):
        read_genes(ALL_OPERATIONS[0][1:])
