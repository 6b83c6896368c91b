"""A genotype is read as it was written, spreads over more places, and refuses what is none."""

from __future__ import annotations

import pytest

from inspector.errors import InputError
from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype, parse_genotype
from search.nets.cell.space import DARTS_OPERATIONS, NASB_OPERATIONS, cell_kinds
from tests.search.nets.cell.genotypes import DARTS_V2, random_genotype

CELL = "sep_3x3(0) + skip_connect(1) > 2"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("num_normal", "num_reduce"), [(1, 1), (6, 2)])
def test_what_was_written_is_read_again(seed: int, num_normal: int, num_reduce: int) -> None:
    for operations in (NASB_OPERATIONS, DARTS_OPERATIONS):
        genotype = random_genotype(operations, seed, num_normal=num_normal, num_reduce=num_reduce)
        assert parse_genotype(genotype.text()) == genotype


def test_without_a_list_all_inner_nodes_are_the_output() -> None:
    assert parse_genotype("normal: sep_3x3(0); reduce: sep_3x3(1)").normal[0].concat == (2,)
    assert DARTS_V2.normal[0].concat == (2, 3, 4, 5)


def test_six_different_normal_cells_stand_three_times_each_among_twenty() -> None:
    found = random_genotype(NASB_OPERATIONS, 0, num_normal=6, num_reduce=2)
    cells = found.cells(20)
    normal = [cell for cell, kind in zip(cells, cell_kinds(20), strict=True) if kind == "normal"]
    assert normal == [cell for cell in found.normal for _ in range(3)]
    assert [cells[6], cells[13]] == list(found.reduce)


def test_one_cell_of_each_kind_stands_everywhere() -> None:
    assert set(DARTS_V2.cells(8)) == {DARTS_V2.normal[0], DARTS_V2.reduce[0]}


def test_more_cells_than_places_are_refused() -> None:
    found = random_genotype(NASB_OPERATIONS, 0, num_normal=6, num_reduce=2)
    with pytest.raises(InputError, match="6 normal cells, but a network of 5 cells has room for 3"):
        found.cells(5)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"normal: {CELL}", "at least one normal and one reduce"),
        (f"norma: {CELL}; reduce: {CELL}", "'norma: .*' is no cell of a genotype"),
        (f"normal: {CELL}; reduce: sep_9x9(0)", "no operation 'sep_9x9'"),
        (f"normal: {CELL}; reduce: sep_3x3(2)", "node 2 takes node 2, but may take nodes 0 to 1"),
        (f"normal: {CELL}; reduce: sep_3x3", "'sep_3x3' is no edge"),
        (f"normal: {CELL}; reduce: sep_3x3(0) > 7", "output is of nodes"),
        (f"normal: {CELL}; reduce: sep_3x3(0) > x", "'x' does not name the nodes"),
        (f"normal: {CELL}; reduce: sep_3x3(0) | sep_3x3(0)", r"have \[3, 4\] nodes"),
    ],
)
def test_what_is_no_genotype(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_genotype(text)


def test_a_node_needs_an_edge() -> None:
    with pytest.raises(InputError, match="node 3 of a cell has no edge"):
        CellGenotype(((ChosenEdge("sep_3x3", 0),), ()))
    with pytest.raises(InputError, match="has no node"):
        CellGenotype(())
    with pytest.raises(InputError, match="at least one normal"):
        Genotype((), ())
