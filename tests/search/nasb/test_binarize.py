"""Which operations are active, by hand, and what holds for every matrix."""

from __future__ import annotations

import numpy as np
import pytest

from search.nasb.binarize import binarize, cell_rows


@pytest.mark.parametrize(
    ("matrix", "pairs"),
    [
        # The two largest elements lie on one edge; it still gets one operation.
        ([[0.9, 0.8], [0.1, 0.2], [0.3, 0.0]], ((0, 0), (2, 0))),
        ([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], ((0, 0), (1, 0))),  # of equals the first
        ([[-3.0, -2.0], [-1.0, -5.0], [-9.0, -9.0]], ((0, 1), (1, 0))),
    ],
)
def test_one_operation_an_edge_and_two_edges_a_node(
    matrix: list[list[float]], pairs: tuple[tuple[int, int], ...]
) -> None:
    assert binarize(matrix, [range(3)]) == pairs


def test_nodes_choose_by_themselves() -> None:
    matrix = np.zeros((5, 2))
    matrix[[0, 1], 1] = 9.0
    matrix[[3, 4], 1] = 1.0
    assert binarize(matrix, cell_rows(5)) == ((0, 1), (1, 1), (3, 1), (4, 1))


def test_a_node_of_one_edge_keeps_it() -> None:
    assert binarize([[0.1, 0.7, 0.2], [0.9, 0.0, 0.0]], [range(1), range(1, 2)], num_kept=1) == (
        (0, 1),
        (1, 0),
    )


def test_an_excluded_operation_is_never_active() -> None:
    matrix = [[9.0, 0.1, 0.2], [9.0, 0.4, 0.3]]
    assert binarize(matrix, [range(2)], excluded=(0,)) == ((0, 2), (1, 1))


@pytest.mark.parametrize("seed", range(20))
def test_what_holds_for_every_matrix(seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(14, 8))
    pairs = binarize(matrix, cell_rows(14))
    assert len(pairs) == 8
    for rows in cell_rows(14):
        kept = [edge for edge, _ in pairs if edge in rows]
        assert len(set(kept)) == 2
        left_out = [matrix[edge].max() for edge in rows if edge not in kept]
        assert min(matrix[edge].max() for edge in kept) >= max(left_out, default=-np.inf)
    assert all(matrix[edge, k] == matrix[edge].max() for edge, k in pairs)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no finite number"):
        binarize([[0.1, value]], [range(1)])


def test_all_operations_excluded() -> None:
    with pytest.raises(ValueError, match="all 2 operations are excluded"):
        binarize([[0.1, 0.2]], [range(1)], excluded=(0, 1))
