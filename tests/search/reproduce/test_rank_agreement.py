"""Kendall's tau with its interval: by hand, and by how often the interval holds the true value."""

from __future__ import annotations

import math

import numpy as np
import pytest

from search.reproduce.rank_agreement import agreement, share_of_best

TEN = tuple(range(10))


@pytest.mark.parametrize(
    ("second", "tau"),
    [
        (TEN, 1.0),
        (TEN[::-1], -1.0),
        ((1, 0, *TEN[2:]), 43 / 45),  # one of 45 pairs is the other way round
        ((9, *TEN[:9]), 27 / 45),  # the last one first: 9 pairs
    ],
)
def test_tau_counts_pairs(second: tuple[int, ...], tau: float) -> None:
    found = agreement(TEN, second)
    assert found is not None
    assert found.tau == pytest.approx(tau)
    assert -1 < found.low < found.high < 1
    assert found.low <= tau <= found.high or abs(tau) == 1.0


def test_figures_that_are_equal_for_all_say_nothing() -> None:
    assert agreement(TEN, (0.5,) * 10) is None


def test_too_few_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="9 networks are compared, but the interval needs 10"):
        agreement(TEN[:9], TEN[:9])


@pytest.mark.parametrize("tau", [0.0, 0.5])
@pytest.mark.parametrize("num", [10, 20])
def test_the_interval_holds_the_true_tau_in_about_95_of_100_cases(tau: float, num: int) -> None:
    """Of two normal numbers with correlation rho, tau is 2 / pi asin(rho)."""
    rho, rng = math.sin(math.pi / 2 * tau), np.random.default_rng(0)
    held = 0
    for _ in range(400):
        first, noise = rng.standard_normal((2, num))
        found = agreement(list(first), list(rho * first + math.sqrt(1 - rho**2) * noise))
        assert found is not None
        held += found.low <= tau <= found.high
    assert 0.91 <= held / 400 <= 0.99


def test_what_a_search_gets_is_told_as_a_share_of_the_best() -> None:
    assert share_of_best([3, 1, 2], [0.5, 1.0, 0.8]) == 0.5
    assert share_of_best([1, 3, 2], [0.5, 1.0, 0.8]) == 1.0
