"""Marginal means and prices against fitness whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.autodd.pareto import archive
from search.report.effects import last_step, node_effects, prices
from search.report.effects_chart import effects_chart


def candidates(
    num: int, *, loss: tuple[float, ...], noise: float = 0.0, seed: int = 0
) -> list[dict[str, Any]]:
    """Random genes of as many nodes as `loss` has; a gene that is not 0 costs that node's loss of fitness."""
    rng = np.random.default_rng(seed)
    genes = rng.integers(3, size=(num, len(loss)))
    fitness = 0.8 - (genes > 0) @ np.array(loss) + noise * rng.standard_normal(num)
    return [
        {
            "genes": "".join(str(gene) for gene in row),
            "fitness": float(value),
            "size_mb": float(10 - (row > 0).sum()),
        }
        for row, value in zip(genes, fitness, strict=True)
    ]


def test_a_node_that_needs_the_convolution_is_told_from_one_that_does_not() -> None:
    effects = node_effects(candidates(600, loss=(0.2, 0.0, -0.1), noise=0.01), num_nodes=3, num_values=3)
    assert [effect.verdict for effect in effects] == [
        "needs the convolution",
        "no difference seen",
        "better without",
    ]
    assert effects[0].loss == pytest.approx(0.2, abs=0.03)
    assert effects[0].loss_low is not None
    assert effects[0].loss_high is not None
    assert effects[0].loss_low < 0.2 < effects[0].loss_high + 0.03


def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        found = candidates(30, loss=(0.0,), noise=0.05, seed=seed)
        mean = node_effects(found, num_nodes=1, num_values=3)[0].means[0]
        assert mean.low is not None
        assert mean.high is not None
        held += mean.low <= 0.8 <= mean.high
    assert 180 <= held <= 199


def test_an_operation_that_was_never_tried_has_no_mean_and_its_node_no_verdict() -> None:
    found = [{"genes": "00", "fitness": 0.5}, {"genes": "01", "fitness": 0.7}]
    first, second = node_effects(found, num_nodes=2, num_values=3)
    assert first.means[1].mean is None
    assert (first.loss, first.verdict) == (None, "")
    assert second.cheap == 1
    assert second.loss == pytest.approx(-0.2)
    assert second.verdict == ""  # one of each gives no interval


def test_dropped_candidates_do_not_count() -> None:
    found = [{"genes": "0", "fitness": 0.5}, {"genes": "1", "fitness": None}]
    assert node_effects(found, num_nodes=1, num_values=3)[0].means[1].num == 0
    assert node_effects([], num_nodes=1, num_values=3) == []


def test_a_gene_behind_the_nodes_is_left_out() -> None:
    found = [{"genes": "012", "fitness": 0.5}]
    assert len(node_effects(found, num_nodes=2, num_values=3)) == 2


def test_only_what_is_better_than_everything_cheaper_has_a_price() -> None:
    found = [
        {"genes": "0", "fitness": fitness, "size_mb": size_mb, "macs_g": 1.0, "params": 1}
        for fitness, size_mb in ((0.5, 2.0), (0.4, 3.0), (0.7, 4.0), (0.7, 5.0), (0.9, 10.0), (None, 1.0))
    ]
    points = archive(found)
    steps = prices(points, "size_mb")
    assert [(step.size_mb, step.fitness) for step in steps] == [(2.0, 0.5), (4.0, 0.7), (10.0, 0.9)]
    before, after = last_step(steps, "size_mb") or (None, None)
    assert before is not None
    assert after is not None
    assert (before.size_mb, after.size_mb) == (4.0, 10.0)
    assert prices(points, "latency_ms") == []
    assert last_step([], "size_mb") is None
    assert last_step(steps[-1:], "size_mb") is None


def test_the_chart_says_which_nodes_need_what() -> None:
    effects = node_effects(candidates(600, loss=(0.2, 0.0, -0.1), noise=0.01), num_nodes=3, num_values=3)
    chart = effects_chart(effects)
    assert chart.svg is not None
    assert "dense convolution is better than the best cheap operation: 0;" in chart.text
    assert "a cheap one is better: 2;" in chart.text
    assert effects_chart([]).svg is None
