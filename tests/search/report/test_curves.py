"""Curves of few, odd or many points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from search.events import Event
from search.report.curves import loss_chart, smoothed


def steps_of(losses: list[float]) -> list[Event]:
    return [
        {"kind": "step", "step": index, "loss": loss, "l2": loss / 2, "ssim": loss / 4, "focal": loss / 4}
        for index, loss in enumerate(losses, start=1)
    ]


def test_smoothing_keeps_the_length_and_a_constant() -> None:
    assert smoothed(np.full(100, 0.25)).tolist() == pytest.approx([0.25] * 100)


def test_smoothing_leaves_few_points_as_they_are() -> None:
    y = np.array([3.0, 1.0, 2.0])
    assert smoothed(y).tolist() == pytest.approx(y.tolist())


def test_smoothing_is_the_mean_of_the_neighbours() -> None:
    y = np.random.default_rng(0).normal(size=80)  # reach 2 on either side
    result = smoothed(y)
    assert result[40] == pytest.approx(y[38:43].mean())
    assert result[0] == pytest.approx(y[:3].mean())
    assert result[-1] == pytest.approx(y[-3:].mean())


@pytest.mark.parametrize(
    "losses",
    [
        [0.5],
        [0.5, 0.4],
        [0.3] * 50,
        [0.0] * 5,
        [-1.0, 2.0],
        [1e-12, 1e12],
        [0.5, math.nan, 0.4],
        [math.inf, 1.0],
    ],
)
def test_any_losses_give_a_figure_without_a_warning(losses: list[float]) -> None:
    chart = loss_chart(steps_of(losses), name="loss", title="Loss")
    assert chart.svg is not None
    assert "nan" not in chart.svg.lower()


@pytest.mark.parametrize("steps", [[], steps_of([math.nan, math.nan])])
def test_no_points_give_words_instead_of_a_figure(steps: list[Event]) -> None:
    chart = loss_chart(steps, name="loss", title="Loss")
    assert (chart.svg, chart.text) == (None, "No steps yet.")


def test_values_left_out_are_counted() -> None:
    chart = loss_chart(steps_of([0.5, math.nan, 0.4, math.nan]), name="loss", title="Loss")
    assert "2 values that are not numbers are left out" in chart.text


def test_a_step_without_the_parts_still_draws_the_total() -> None:
    chart = loss_chart([{"kind": "step", "step": 1, "loss": 0.5}], name="loss", title="Loss")
    assert "total" in (chart.svg or "")
    assert "focal" not in (chart.svg or "")


def test_a_long_training_stays_a_small_figure() -> None:
    long = np.random.default_rng(0).lognormal(size=50_000).tolist()
    assert len(loss_chart(steps_of(long), name="loss", title="Loss").svg or "") < 150_000
