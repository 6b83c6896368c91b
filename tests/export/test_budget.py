"""A network over a hard limit is refused with its figure and the limit."""

from __future__ import annotations

import pytest

from export.budget import Budget, NetworkSize
from inspector.errors import BudgetError


@pytest.mark.parametrize(
    ("parameters", "file_bytes", "message"),
    [
        (40_000_000, 160_000_000, None),
        (40_000_001, 0, "has 40 million parameters, the limit is 40"),
        (48_658_500, 0, r"has 48\.66 million parameters, the limit is 40"),
        (1_000, 160_000_001, "has 160 MB, the limit is 160"),
    ],
)
def test_the_default_limits(parameters: int, file_bytes: int, message: str | None) -> None:
    size = NetworkSize(parameters=parameters, file_bytes=file_bytes, macs=10**12)
    if message is None:
        assert "of 160" in Budget().check(size)
    else:
        with pytest.raises(BudgetError, match=message):
            Budget().check(size)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, Budget()),
        ({"max_params_m": None, "max_size_mb": None}, Budget()),
        ({"max_params_m": 2.0, "max_macs_g": 5.0}, Budget(max_params_m=2.0, max_macs_g=5.0)),
        ({"max_size_mb": 500.0}, Budget()),
    ],
)
def test_the_stricter_limit_counts(limits: dict[str, float | None], expected: Budget) -> None:
    assert Budget().tightened_by(limits) == expected


def test_multiply_adds_are_limited_where_the_recipe_does() -> None:
    size = NetworkSize(parameters=1, file_bytes=1, macs=6_000_000_000)
    with pytest.raises(BudgetError, match="has 6 billion multiply-adds, the limit is 5"):
        Budget(max_macs_g=5.0).check(size)
