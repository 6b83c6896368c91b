"""The population's figures and ranking."""

from __future__ import annotations

import math

import pytest

from search.events import Event
from search.report.population import progress_chart, ranked, scatter_chart, size_limit_mb


def candidate(genes: str, fitness: float, *, size_mb: float = 2.0, generation: int = 0) -> Event:
    return {
        "kind": "candidate",
        "generation": generation,
        "genes": genes,
        "fitness": fitness,
        "params": round(size_mb * 250_000),
        "size_mb": size_mb,
        "macs_g": 1.0,
    }


@pytest.mark.parametrize(
    ("limits", "limit_mb"),
    [
        ({}, None),
        ({"max_macs_g": 4}, None),
        ({"max_size_mb": 160}, 160),
        ({"max_params_m": 40}, 160),
        ({"max_params_m": 40, "max_size_mb": 100}, 100),
        ({"max_params_m": 20, "max_size_mb": 100}, 80),
    ],
)
def test_the_tighter_limit_counts(limits: dict[str, float], limit_mb: float | None) -> None:
    assert size_limit_mb(limits) == limit_mb


def test_ties_go_to_the_smaller_and_nan_is_no_rank() -> None:
    candidates = [
        candidate("0", 0.5, size_mb=3),
        candidate("1", math.nan),
        candidate("2", 0.5),
        candidate("3", 0.7),
    ]
    assert [event["genes"] for event in ranked(candidates)] == ["3", "2", "0"]


@pytest.mark.parametrize(
    "candidates",
    [
        [candidate("0", 0.5)],
        [candidate(str(index), 0.0) for index in range(9)],
        [candidate("0", 0.5), candidate("1", math.nan, generation=2), candidate("2", 0.6, generation=3)],
    ],
)
def test_any_population_gives_figures_without_a_warning(candidates: list[Event]) -> None:
    scatter = scatter_chart(candidates, winner="0", limit_mb=5.0, num_rejected=1)
    assert "winner" in (scatter.svg or "")
    assert progress_chart(candidates).svg is not None


@pytest.mark.parametrize("candidates", [[], [candidate("0", math.nan)]])
def test_no_population_gives_words(candidates: list[Event]) -> None:
    assert scatter_chart(candidates, winner=None, limit_mb=None, num_rejected=0).svg is None
    assert progress_chart(candidates).svg is None


def test_a_near_limit_is_a_line_and_a_far_one_is_named_at_the_edge() -> None:
    candidates = [candidate("0", 0.5, size_mb=4.0), candidate("1", 0.6, size_mb=2.0)]
    near = scatter_chart(candidates, winner=None, limit_mb=5.0, num_rejected=0).svg or ""
    far = scatter_chart(candidates, winner=None, limit_mb=160.0, num_rejected=0).svg or ""
    assert "limit 5 MB<" in near
    assert "limit 160 MB →<" in far


def test_the_words_name_winner_limit_and_rejected() -> None:
    text = scatter_chart([candidate("0", 0.5)], winner="0", limit_mb=5.0, num_rejected=3).text
    assert (
        "The winner has 2.00 MB and a fitness of 0.5000. The limit is 5 MB. 3 more were over a limit" in text
    )


def test_the_best_so_far_never_falls() -> None:
    candidates = [candidate("0", 0.6, generation=0), candidate("1", 0.4, generation=1)]
    assert "0.6000 in generation 0, 0.6000 after generation 1" in progress_chart(candidates).text
