"""Stages are measured one by one, and nothing of the search is changed by it."""

import torch

from search.cmp.stage_times import even_devices, measure_stages
from tests.search.cmp.tiny_supernet import NUM_STAGES, TinySupernet, batch, criterion


def test_every_phase_of_every_stage_is_measured_and_nothing_left_behind() -> None:
    net, untouched = TinySupernet(), TinySupernet()
    costs = measure_stages(
        net.stages,
        criterion,
        net.mix,
        train=batch(1),
        valid=batch(2),
        devices=[torch.device("cpu")] * NUM_STAGES,
        rounds=2,
    )
    assert len(costs) == NUM_STAGES
    assert all(min(stage.f_a, stage.f_w, stage.b_w, stage.b_a) > 0 for stage in costs)
    for parameter, expected in zip(net.everything(), untouched.everything(), strict=True):
        assert parameter.grad is None
        assert torch.equal(parameter, expected)


def test_stages_are_measured_where_an_even_cut_would_put_them() -> None:
    a, b = torch.device("cuda", 0), torch.device("cuda", 1)
    assert even_devices(5, [a, b]) == [a, a, a, b, b]
