"""The cell supernet as stages and a mixture: what binds the engine, which knows no cells, to it.

Source: [D] Sec. 3.2.2, Algorithm 1, lines 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from inspector.errors import InputError
from search.cmp.mixture import Gates, Mixture
from search.cmp.partition import Partition, State, cut
from search.nets.cell.supernet import CellSupernet, Stage
from search.nets.cell.weights import CellWeights


def cut_cells(
    net: CellSupernet, devices: Sequence[torch.device], *, sizes: Sequence[int] | None = None
) -> list[Partition]:
    """Cut a cell supernet; its stages are the stem, the cells and the classifier.

    Raises:
        InputError: more devices than cells, or see `cut`.
    """
    if len(devices) > net.num_cells:
        raise InputError(
            f"{len(devices)} partitions are more than the {net.num_cells} cells of the supernet; name at "
            f"most {net.num_cells} devices, or search with more cells"
        )
    return cut(net.stages(), devices, sizes=sizes)


def mixture_of(stages: Sequence[Stage], weights: Sequence[CellWeights]) -> Mixture:
    """Return the mixture of one step.

    Args:
        weights: Of every cell, as `Architecture.weights` gives them: cells of one structure share tensors.
    """
    gates: list[Tensor] = []
    for of_cell in weights:
        for tensor in (of_cell.gates, of_cell.edges):
            if tensor is not None and _place(tensor, gates) is None:
                gates.append(tensor)
    places = [(_place(of_cell.gates, gates), _place(of_cell.edges, gates)) for of_cell in weights]

    def bind(leaves: Gates) -> list[CellWeights | None]:
        of_cells = [
            replace(
                of_cell,
                gates=None if gate is None else leaves[gate],
                edges=None if edge is None else leaves[edge],
            )
            for of_cell, (gate, edge) in zip(weights, places, strict=True)
        ]
        return [None if stage.cell is None else of_cells[stage.cell] for stage in stages]

    return Mixture(tuple(gates), bind)


def classification(state: State, target: Tensor) -> Tensor:
    """Return the cross-entropy of the classifier's logits."""
    return torch.nn.functional.cross_entropy(state[0], target)


def _place(tensor: Tensor | None, gates: Sequence[Tensor]) -> int | None:
    return next((number for number, gate in enumerate(gates) if gate is tensor), None)
