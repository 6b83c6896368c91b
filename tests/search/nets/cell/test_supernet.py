"""A supernet of injected nodes: its stages give what it gives, a path is a part of the dense mixture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from inspector.errors import InputError
from search.nets.cell.architecture import Architecture, half_start
from search.nets.cell.nodes import DenseNode, PathNode
from search.nets.cell.space import (
    DARTS_OPERATIONS,
    NASB_OPERATIONS,
    CellKind,
    OperationSet,
    cell_kinds,
    num_edges,
)
from search.nets.cell.supernet import CellSupernet, run_stages
from search.nets.cell.weights import CellWeights, path_weights
from tests.search.nets.cell.genotypes import DARTS_V2, random_genotype

BOTH = pytest.mark.parametrize("operations", [NASB_OPERATIONS, DARTS_OPERATIONS], ids=lambda one: one.name)


def softmax(matrix: Tensor, _edges: Tensor | None) -> CellWeights:
    return CellWeights(gates=matrix.softmax(dim=-1))


def gates_of(path: CellWeights, kind: CellKind, operations: OperationSet) -> CellWeights:
    """The dense gates, 1 where the path runs."""
    assert path.active is not None
    gates = torch.zeros(num_edges(), len(operations.of(kind)))
    for edge, number in path.active:
        gates[edge, number] = 1.0
    return CellWeights(gates=gates)


@BOTH
def test_a_path_is_the_dense_mixture_with_gates_of_one_and_zero(operations: OperationSet) -> None:
    path_net = CellSupernet(PathNode, operations=operations, channels=2)
    dense_net = CellSupernet(DenseNode, operations=operations, channels=2)
    dense_net.load_state_dict(path_net.state_dict())
    path = path_weights(random_genotype(operations, 3), operations, num_cells=8)
    dense = [gates_of(one, kind, operations) for one, kind in zip(path, cell_kinds(8), strict=True)]
    image = torch.randn(2, 3, 16, 16)
    assert torch.equal(path_net(image, path), dense_net(image, dense))


def test_stages_cut_anywhere_give_what_the_whole_gives() -> None:
    net = CellSupernet(DenseNode, channels=2)
    weights = Architecture(NASB_OPERATIONS, num_cells=8, seed=0).weights(softmax)
    image = torch.randn(2, 3, 16, 16)
    stages = net.stages()
    assert [stage.cell for stage in stages] == [None, *range(8), None]
    for cut in (1, 4, 9):
        state = run_stages(stages[:cut], (image,), weights)
        (logits,) = run_stages(stages[cut:], state, weights)
        assert torch.equal(logits, net(image, weights))


def test_every_parameter_of_the_architecture_gets_a_gradient() -> None:
    for different in (False, True):
        net = CellSupernet(DenseNode, channels=2)
        architecture = Architecture(NASB_OPERATIONS, num_cells=8, seed=0, different=different)
        net(torch.randn(2, 3, 16, 16), architecture.weights(softmax)).square().sum().backward()
        for parameter in architecture.parameters():
            assert parameter.grad is not None
            assert (parameter.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize(("num_cells", "counts"), [(8, (6, 2)), (20, (18, 2))])
def test_different_cells_have_a_matrix_each_in_their_order(num_cells: int, counts: tuple[int, int]) -> None:
    architecture = Architecture(NASB_OPERATIONS, num_cells=num_cells, seed=0, different=True)
    assert (len(architecture.normal), len(architecture.reduce)) == counts
    weights = architecture.weights(softmax)
    taken = {"normal": 0, "reduce": 0}
    for one, kind in zip(weights, cell_kinds(num_cells), strict=True):
        matrix = architecture.matrices(kind)[taken[kind]]
        taken[kind] += 1
        assert one.gates is not None
        assert torch.equal(one.gates, matrix.softmax(dim=-1))


def test_cells_of_one_structure_share_one_record() -> None:
    weights = Architecture(NASB_OPERATIONS, num_cells=8, seed=0, start=half_start).weights(softmax)
    assert len({id(one) for one in weights}) == 2
    assert weights[0] is weights[7]
    assert weights[2] is weights[5]


def test_an_operation_that_is_no_candidate() -> None:
    with pytest.raises(InputError, match="max_pool_5x5 is no candidate"):
        path_weights(
            random_genotype(OperationSet("other", normal=("max_pool_5x5",), reduce=("max_pool_5x5",)), 0),
            DARTS_OPERATIONS,
            num_cells=8,
        )


def test_the_published_genotype_runs_in_its_supernet() -> None:
    net = CellSupernet(PathNode, operations=DARTS_OPERATIONS, channels=2)
    weights = path_weights(DARTS_V2, DARTS_OPERATIONS, num_cells=8)
    assert net(torch.randn(2, 3, 16, 16), weights).shape == (2, 10)
