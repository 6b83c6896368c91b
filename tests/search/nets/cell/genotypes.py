"""Genotypes that are known from elsewhere, and random ones."""

from __future__ import annotations

import numpy as np

from search.nets.cell.genotype import CellGenotype, ChosenEdge, Genotype, parse_genotype
from search.nets.cell.space import CellKind, OperationSet

DARTS_V2 = parse_genotype(  # published with DARTS: 3.3 M parameters with 20 cells of 36 channels
    "normal: sep_3x3(0) + sep_3x3(1) | sep_3x3(0) + sep_3x3(1) | sep_3x3(1) + skip_connect(0)"
    " | skip_connect(0) + dil_conv_3x3(2) > 2,3,4,5; "
    "reduce: max_pool_3x3(0) + max_pool_3x3(1) | skip_connect(2) + max_pool_3x3(1)"
    " | max_pool_3x3(0) + skip_connect(2) | skip_connect(2) + max_pool_3x3(1) > 2,3,4,5"
)


def random_genotype(
    operations: OperationSet, seed: int, *, num_nodes: int = 6, num_normal: int = 1, num_reduce: int = 1
) -> Genotype:
    """Two edges a node from different sources, each with any candidate but `none`."""
    rng = np.random.default_rng(seed)

    def cell(kind: CellKind) -> CellGenotype:
        names = [name for name in operations.of(kind) if name != "none"]
        return CellGenotype(
            tuple(
                tuple(
                    ChosenEdge(names[rng.integers(len(names))], int(source))
                    for source in rng.choice(node, size=2, replace=False)
                )
                for node in range(2, num_nodes)
            )
        )

    return Genotype(
        tuple(cell("normal") for _ in range(num_normal)), tuple(cell("reduce") for _ in range(num_reduce))
    )
