"""Strata, truncation and skipping as tables."""

import math

import pytest

from search.ace.stratum import (
    Stratum,
    classify,
    is_due,
    is_promising,
    is_rung,
    is_truncated,
    should_evaluate,
    truncation_quota,
)


@pytest.mark.parametrize(
    ("g", "stratum"),
    [
        (None, Stratum.NO_CONSTRAINT),
        ((0.2, 1.0), Stratum.VALID),
        ((0.25, 5.0), Stratum.VALID),  # at both thresholds
        ((0.26, 1.0), Stratum.INVALID),
        ((0.2, 5.1), Stratum.INVALID),
        ((math.nan, 1.0), Stratum.INVALID),
        ((-math.inf, 1.0), Stratum.VALID),
    ],
)
def test_classify(g, stratum):
    assert classify(g, (0.25, 5.0)) is stratum


@pytest.mark.parametrize(
    ("iteration", "interval", "loss", "expected"),
    [(3, 1, 0.33, True), (3, 1, 0.34, False), (3, 10, 0.1, False), (10, 10, 0.1, True), (10, 10, 0.4, False)],
)
def test_should_evaluate(iteration, interval, loss, expected):
    assert (
        should_evaluate(iteration=iteration, interval=interval, loss=loss, best_feasible_loss=0.33)
        is expected
    )


def test_a_loss_that_is_not_finite_is_never_promising():
    assert is_promising(1e300, best_feasible_loss=math.inf)
    assert not is_promising(math.inf, best_feasible_loss=math.inf)


def test_linear_spacing():
    assert [t for t in range(1, 13) if is_due(t, interval=4)] == [4, 8, 12]


@pytest.mark.parametrize(("factor", "rungs"), [(4, [1, 4, 16, 64]), (3, [1, 3, 9, 27, 81])])
def test_geometric_spacing(factor, rungs):
    assert [t for t in range(1, 100) if is_rung(t, reduction_factor=factor)] == rungs


@pytest.mark.parametrize(
    ("size", "truncation", "quota"),
    [(3, 0.25, 0), (4, 0.25, 1), (7, 0.25, 1), (8, 0.25, 2), (100, 0.29, 29), (100, 0.03, 3), (33, 0.03, 0)],
)
def test_quota(size, truncation, quota):
    """0.29 * 100 is 28.999... in floating point, and is meant to be 29."""
    assert truncation_quota(size, truncation=truncation) == quota


@pytest.mark.parametrize(
    ("size", "worse_or_equal", "truncated"),
    [(1, 0, False), (3, 0, False), (4, 1, False), (4, 0, True), (8, 2, False), (8, 1, True)],
)
def test_truncation(size, worse_or_equal, truncated):
    assert is_truncated(size=size, worse_or_equal=worse_or_equal, truncation=0.25) is truncated
