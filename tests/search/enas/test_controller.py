"""The controller's choices are a distribution over genotypes, and rewards move it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from search.enas.controller import Controller, drawn, likeliest
from search.enas.reinforce import Teacher, praise
from search.enas.space import EDGES_PER_NODE, ENAS_OPERATIONS
from search.nets.cell.genotype import parse_genotype
from search.nets.cell.space import DARTS_OPERATIONS, NASB_OPERATIONS, OperationSet

TWO = OperationSet("two", ("skip_connect", "sep_3x3"), ("skip_connect", "avg_pool_3x3"))


class Scripted:
    """Takes the given choices one after the other, and remembers among how many."""

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = list(numbers)
        self.sizes: list[int] = []

    def __call__(self, log_p: torch.Tensor) -> int:
        self.sizes.append(len(log_p))
        return self.numbers.pop(0)


def test_choices_become_the_genotype_in_their_order() -> None:
    script = Scripted([0, 1, 1, 0, 2, 1, 0, 0, 1, 1, 1, 1, 0, 0, 2, 1])
    found = Controller(TWO, num_nodes=4, hidden=8, seed=0)(script)
    assert found.genotype == parse_genotype(
        "normal: sep_3x3(0) + skip_connect(1) | sep_3x3(2) + skip_connect(0) > 2,3;"
        "reduce: avg_pool_3x3(1) + avg_pool_3x3(1) | skip_connect(0) + avg_pool_3x3(2) > 2,3"
    )
    assert script.sizes == [2, 2, 2, 2, 3, 2, 3, 2] * 2


@pytest.mark.parametrize("operations", [ENAS_OPERATIONS, NASB_OPERATIONS, DARTS_OPERATIONS])
def test_every_space_can_be_decided(operations: OperationSet) -> None:
    found = Controller(operations, num_nodes=6, seed=1)(drawn(np.random.default_rng(0)))
    for kind in ("normal", "reduce"):
        (cell,) = found.genotype.of(kind)
        assert [len(edges) for edges in cell.nodes] == [EDGES_PER_NODE] * 4
        assert {edge.operation for edges in cell.nodes for edge in edges} <= set(operations.of(kind))


def test_the_probabilities_of_all_decisions_sum_to_one() -> None:
    controller = Controller(TWO, num_nodes=3, hidden=8, seed=0)
    total = 0.0
    for numbers in itertools.product((0, 1), repeat=8):
        total += math.exp(controller(Scripted(list(numbers))).log_prob.item())
    assert total == pytest.approx(1.0, abs=1e-5)


def test_decisions_are_drawn_as_often_as_their_probability_says() -> None:
    controller = Controller(TWO, num_nodes=3, hidden=8, seed=0)
    with torch.no_grad():  # a clear preference
        controller.get_parameter("choice.normal.bias").copy_(torch.tensor([20.0, -20.0]))
    rng = np.random.default_rng(0)
    num_first = sum(
        controller(drawn(rng)).genotype.normal[0].nodes[0][0].operation == "skip_connect" for _ in range(400)
    )
    limit = 1.10 / 2.5 * math.tanh(20 / 5)
    expected = math.exp(limit) / (math.exp(limit) + math.exp(-limit))
    assert num_first / 400 == pytest.approx(expected, abs=0.09)  # four standard deviations


def test_the_entropy_of_an_undecided_controller_is_that_of_equal_chances() -> None:
    controller = Controller(TWO, num_nodes=3, hidden=8, seed=0)
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.zero_()
    decision = controller(likeliest)
    assert decision.entropy.item() == pytest.approx(8 * math.log(2), abs=1e-5)
    assert decision.log_prob.item() == pytest.approx(-8 * math.log(2), abs=1e-5)


def test_the_same_seed_and_generator_decide_the_same() -> None:
    genotypes = [Controller(seed=s)(drawn(np.random.default_rng(5))).genotype for s in (3, 3)]
    assert genotypes[0] == genotypes[1]
    others = {Controller(seed=3)(drawn(np.random.default_rng(n))).genotype.text() for n in range(5)}
    assert len(others) == 5


@pytest.mark.parametrize(
    ("reward", "baseline", "advantage", "new"),
    [(0.5, None, 0.0, 0.5), (0.6, 0.5, 0.099, 0.501), (0.4, 0.5, -0.099, 0.499), (0.5, 0.5, 0.0, 0.5)],
)
def test_an_advantage_is_over_the_moving_baseline(
    reward: float, baseline: float | None, advantage: float, new: float
) -> None:
    judged = praise(reward, baseline)
    assert (judged.advantage, judged.baseline) == pytest.approx((advantage, new))


def test_the_step_follows_the_policy_gradient() -> None:
    """Against the gradient written out: advantage times that of the log-probability."""
    teacher = Teacher(Controller(TWO, num_nodes=3, hidden=8, seed=0))
    teacher.baseline = 0.2
    decision = teacher.decide(drawn(np.random.default_rng(0)))
    parameters = list(teacher.controller.parameters())
    slopes = torch.autograd.grad(decision.log_prob, parameters, retain_graph=True)
    judged = teacher.learn(decision, accuracy=0.7)
    for parameter, slope in zip(parameters, slopes, strict=True):
        assert parameter.grad is not None
        assert torch.allclose(parameter.grad, -judged.advantage * slope)


def test_rewarded_operations_become_likelier() -> None:
    teacher = Teacher(Controller(TWO, num_nodes=3, hidden=16, seed=0), learning_rate=0.05)
    rng = np.random.default_rng(0)

    def share_of_sep() -> float:
        edges = teacher.decide(drawn(rng)).genotype.normal[0].nodes[0]
        return sum(edge.operation == "sep_3x3" for edge in edges) / len(edges)

    before = np.mean([share_of_sep() for _ in range(200)])
    for _ in range(150):
        decision = teacher.decide(drawn(rng))
        edges = decision.genotype.normal[0].nodes[0]
        teacher.learn(decision, accuracy=sum(edge.operation == "sep_3x3" for edge in edges) / 2)
    after = np.mean([share_of_sep() for _ in range(200)])
    assert after > before + 0.1


def test_a_teacher_that_was_stored_goes_on_alike() -> None:
    def lesson(teacher: Teacher, number: int) -> None:
        teacher.learn(teacher.decide(drawn(np.random.default_rng(number))), accuracy=0.1 * number)

    whole, begun = (Teacher(Controller(TWO, num_nodes=3, hidden=8, seed=0)) for _ in range(2))
    for number in range(6):
        lesson(whole, number)
    for number in range(3):
        lesson(begun, number)
    resumed = Teacher(Controller(TWO, num_nodes=3, hidden=8, seed=9))
    resumed.load_state_dict(begun.state_dict())
    for number in range(3, 6):
        lesson(resumed, number)
    assert resumed.baseline == whole.baseline
    for one, other in zip(resumed.controller.parameters(), whole.controller.parameters(), strict=True):
        assert torch.equal(one, other)
