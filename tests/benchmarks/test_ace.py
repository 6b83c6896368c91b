"""The ratio of benchmarks/ace from measured cells."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.ace.times import NEVER, RIVALS, median_budgets, races


def cell(
    policy: str, auc: float | None, history: Any = (), *, seed: int = 20, **changes: Any
) -> dict[str, Any]:
    identity = {
        "policy": policy,
        "searcher": "random",
        "threshold": 0.25,
        "eod": "fairlearn",
        "truncation": 0.25,
        "seed": seed,
        "budget_s": 100.0,
        **changes,
    }
    return {"identity": identity, "figures": {"auc": auc}, "history": list(history)}


def seed_cells(seed: int, history: Any, ends: dict[str, float | None]) -> list[dict[str, Any]]:
    rivals = [cell(name, ends.get(name), seed=seed) for name in RIVALS]
    return [*rivals, cell("ace", history[-1][1] if history else None, history, seed=seed)]


def test_the_goal_is_the_best_rival_and_the_time_is_when_ace_was_as_good():
    history = [(10.0, 80.0), (30.0, 83.0), (60.0, 84.0)]
    (race,) = races(
        seed_cells(20, history, {"asha": 83.0, "no_stopping": 81.0}), searcher="random", threshold=0.25
    )
    assert (race.rival, race.rival_auc, race.seconds, race.budgets) == ("asha", 83.0, 30.0, 0.3)


@pytest.mark.parametrize(
    ("history", "ends", "budgets"),
    [
        ([(10.0, 80.0)], {"asha": 83.0}, NEVER),  # never as good
        ([], {"asha": 83.0}, NEVER),  # nothing feasible
        ([(10.0, 80.0)], {}, 0.1),  # no rival found anything: ACE's first is as good
    ],
)
def test_what_was_not_reached_counts_as_never(history, ends, budgets):
    (race,) = races(seed_cells(20, history, ends), searcher="random", threshold=0.25)
    assert race.budgets == budgets


def test_the_median_is_over_whole_seeds_of_the_same_case_alone():
    cells = [
        *seed_cells(20, [(10.0, 84.0)], {"asha": 83.0}),
        *seed_cells(21, [(50.0, 84.0)], {"asha": 83.0}),
        *seed_cells(22, [(90.0, 84.0)], {"asha": 83.0}),
        cell("ace", 99.0, [(1.0, 99.0)], seed=23),  # its rivals are pending
        cell("ace", 99.0, [(1.0, 99.0)], eod="vectorised"),
        cell("ace", 99.0, [(1.0, 99.0)], truncation=0.5),
        cell("ace", 99.0, [(1.0, 99.0)], searcher="tpe"),
        cell("ace", 99.0, [(1.0, 99.0)], threshold=0.325),
    ]
    found = races(cells, searcher="random", threshold=0.25)
    assert [race.seed for race in found] == [20, 21, 22]
    assert median_budgets(found) == 0.5
