"""The fast equalised-odds difference against Fairlearn's, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from search.reproduce.credit.fairness import eod_by_name, fairlearn_eod, vectorised_eod


@pytest.mark.parametrize("num_groups", [1, 2, 3])
@pytest.mark.parametrize("num", [3, 40, 1000])
def test_it_equals_fairlearn(num_groups, num):
    rng = np.random.default_rng(num)
    for _ in range(3):
        target = rng.integers(0, 2, num)
        decision = rng.random(num) < rng.random()
        group = rng.integers(0, num_groups, num)
        expected = fairlearn_eod(target, decision, group)
        assert vectorised_eod(target, decision, group) == pytest.approx(expected, abs=1e-12)


def test_it_is_the_larger_difference_of_the_two_rates():
    target = np.array([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1])
    group = np.repeat([1, 2], 6)
    decision = np.array([1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0])
    # FPR 1/4 and 2/4, FNR 0 and 1/2
    assert vectorised_eod(target, decision, group) == 0.5


def test_a_group_without_positives_counts_as_one_whose_rate_is_zero():
    target, decision, group = np.array([1, 1, 0]), np.array([1, 1, 0]), np.array([1, 1, 2])
    assert vectorised_eod(target, decision, group) == fairlearn_eod(target, decision, group) == 1.0


def test_names_lead_to_the_functions():
    assert eod_by_name("fairlearn") is fairlearn_eod
    assert eod_by_name("vectorised") is vectorised_eod
