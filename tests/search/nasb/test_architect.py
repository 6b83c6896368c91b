"""One iteration of every method: who learns from which batch, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from inspector.errors import InputError, TrainingError
from search.nasb.architect import Architect, Batch, Rates
from search.nasb.methods import METHODS
from search.nasb.relaxation import active_pairs
from search.nets.cell.architecture import Architecture
from search.nets.cell.space import NASB_OPERATIONS
from tests.search.nasb.supernets import NUM_CELLS, images, labels, make_supernet

TRAIN: Batch = (images(), labels())
VALID: Batch = (images().flip(0) * 0.5, labels())
EVERY = pytest.mark.parametrize("key", sorted(METHODS))


def make_architect(key: str, *, seed: int = 0, rates: Rates = Rates()) -> Architect:
    method = METHODS[key]
    architecture = Architecture(
        NASB_OPERATIONS,
        num_cells=NUM_CELLS,
        seed=seed,
        with_edges=method.with_edges,
        start=method.start,
    )
    return Architect(make_supernet(method.make_node), architecture, method, rates=rates)


def values(of: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in of.parameters()]


@EVERY
def test_an_iteration_moves_weights_and_architecture(key: str) -> None:
    architect = make_architect(key)
    weights, of_cells = values(architect.net), values(architect.architecture)
    loss = architect.learn(TRAIN, VALID, rate=0.1, progress=0.0)
    assert torch.isfinite(loss)
    assert not all(torch.equal(a, b) for a, b in zip(weights, values(architect.net), strict=True))
    for before, after in zip(of_cells, values(architect.architecture), strict=True):
        assert not torch.equal(before, after)


@pytest.mark.parametrize("key", ["darts-1", "nasp", "pc-darts", "nasb"])
def test_the_architecture_learns_from_validation_images_alone(key: str) -> None:
    found = []
    for train in (TRAIN, (TRAIN[0] * 3.0, TRAIN[1])):
        architect = make_architect(key)
        architect.learn(train, VALID, rate=0.1, progress=0.0)
        found.append(values(architect.architecture))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_second_order_looks_one_training_step_ahead() -> None:
    found = []
    for train in (TRAIN, (TRAIN[0] * 3.0, TRAIN[1])):
        architect = make_architect("darts-2")
        architect.learn(train, VALID, rate=0.1, progress=0.0)
        found.append(values(architect.architecture))
    assert not all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_snas_learns_both_from_training_images() -> None:
    found = []
    for valid in (VALID, (VALID[0] * 3.0, VALID[1])):
        architect = make_architect("snas")
        torch.manual_seed(3)
        architect.learn(TRAIN, valid, rate=0.1, progress=0.0)
        found.append([*values(architect.architecture), *values(architect.net)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_weights_learn_on_the_operations_of_the_new_architecture() -> None:
    """Line 7 of Algorithm 2: G is binarised again before the weights learn."""
    architect = make_architect("nasb", rates=Rates(architecture=0.4))
    before = active_pairs(architect.architecture.normal[0])
    architect.learn(TRAIN, VALID, rate=0.1, progress=0.0)
    after = active_pairs(architect.architecture.normal[0])
    assert before != after
    cell = architect.net.stages()[1]
    learned = set()
    edge = 0
    for node in cell.nodes:  # type: ignore[union-attr]
        for of_edge in node.candidates:
            for number, operation in enumerate(of_edge):
                if any(parameter.grad is not None for parameter in operation.parameters()):
                    learned.add((edge, number))
            edge += 1
    with_weights = {pair for pair in after if NASB_OPERATIONS.normal[pair[1]] != "skip_connect"}
    assert learned == with_weights


def test_a_binary_architecture_stays_within_zero_and_one() -> None:
    architect = make_architect("nasb", rates=Rates(architecture=0.7))
    for _ in range(3):
        architect.learn(TRAIN, VALID, rate=0.1, progress=0.0)
    for parameter in architect.architecture.parameters():
        assert float(parameter.detach().min()) >= 0.0
        assert float(parameter.detach().max()) <= 1.0


def test_nasb_and_nasp_take_the_same_steps() -> None:
    """Their gradients are equal, so are their searches; only time and memory differ."""
    found = []
    for key in ("nasb", "nasp"):
        architect = make_architect(key, rates=Rates(architecture=0.05))
        architect.net.double()
        architect.architecture.double()
        for number in range(3):
            train, valid = ((batch[0].double().roll(number, 0), batch[1]) for batch in (TRAIN, VALID))
            architect.learn(train, valid, rate=0.1, progress=0.0)
        found.append([*values(architect.architecture), *values(architect.net)])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@EVERY
def test_batches_of_different_sizes_are_refused(key: str) -> None:
    with pytest.raises(InputError, match="training batch has 4 images, the validation batch 3"):
        make_architect(key).learn(TRAIN, (images(3), labels(3)), rate=0.1, progress=0.0)


@EVERY
def test_a_loss_that_is_no_number_stops_before_anything_learns_from_it(key: str) -> None:
    architect = make_architect(key)
    bad = (images() * float("nan"), labels())
    before = [*values(architect.net), *values(architect.architecture)]
    with pytest.raises(TrainingError, match="loss is nan, not a number"):
        architect.learn(bad, bad, rate=0.1, progress=0.0)
    after = [*values(architect.net), *values(architect.architecture)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_any_loss_of_classes_can_be_taken() -> None:
    method = METHODS["darts-1"]
    architecture = Architecture(NASB_OPERATIONS, num_cells=NUM_CELLS, seed=0)
    seen: list[int] = []

    def counted(logits: Tensor, classes: Tensor) -> Tensor:
        seen.append(len(classes))
        return F.cross_entropy(logits, classes)

    Architect(make_supernet(method.make_node), architecture, method, loss=counted).learn(
        TRAIN, VALID, rate=0.1, progress=0.0
    )
    assert seen == [4, 4]
