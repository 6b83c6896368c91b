"""Which operations are active: the best one of every edge, on the strongest edges of every node.

Source: [D] Sec. 3.2.3, Eq. 3.5; NASP.
Differs from the source: [D] sets "the two largest elements" of a node to 1, which may lie on one edge; as in
NASP, and as Eq. 3.5 needs, an edge has one operation at most.

Pure: numbers in, decision out; neither torch nor ray.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from search.nets.cell.space import first_edge, inner_nodes

Pair = tuple[int, int]  # row of the matrix (edge), column (operation)
NUM_KEPT = 2  # edges that lead to each node of a cell


def binarize(
    strengths: npt.ArrayLike,
    rows_of_nodes: Sequence[range],
    *,
    num_kept: int = NUM_KEPT,
    excluded: Collection[int] = (),
) -> tuple[Pair, ...]:
    """Return where the matrix G of zeros and ones has its ones, node by node and edge by edge.

    Of equal strengths the first one is taken.

    Args:
        strengths: (edges, operations).
        rows_of_nodes: For each node the rows of its edges.
        num_kept: Active edges of a node; a node with fewer edges keeps all.
        excluded: Operations that are never active.

    >>> binarize([[0.1, 0.9], [0.2, 0.3], [0.8, 0.7]], [range(3)])
    ((0, 1), (2, 0))

    Raises:
        ValueError: the matrix holds something that is no finite number, or every operation is excluded.
    """
    matrix = np.array(strengths, dtype=np.float64)
    if not np.isfinite(matrix).all():
        raise ValueError("the strengths of operations hold something that is no finite number")
    allowed = [number for number in range(matrix.shape[1]) if number not in excluded]
    if not allowed:
        raise ValueError(f"all {matrix.shape[1]} operations are excluded")
    best = [allowed[int(np.argmax(row[allowed]))] for row in matrix]
    pairs: list[Pair] = []
    for rows in rows_of_nodes:
        strongest = sorted(rows, key=lambda row: -matrix[row, best[row]])[:num_kept]
        pairs += [(row, best[row]) for row in sorted(strongest)]
    return tuple(pairs)


def cell_rows(num_rows: int) -> list[range]:
    """Return the rows of each node of a cell with `num_rows` edges.

    >>> cell_rows(5)
    [range(0, 2), range(2, 5)]
    """
    rows: list[range] = []
    node = inner_nodes()[0]
    while first_edge(node) < num_rows:
        rows.append(range(first_edge(node), first_edge(node + 1)))
        node += 1
    return rows
