"""A budget counts the time of all processes; a spent one, or nothing but crashes, ends the search."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

from ray import tune
from ray.tune.search import Searcher

from search.ace.budget import MAX_CRASHES, Budget, BudgetedSearch
from search.ace.measured import Line, append_line
from search.ace.searchers import RandomSearch


def search_of(tmp_path: Path, budget_s: float, max_trials: int | None = None) -> BudgetedSearch:
    inner = RandomSearch({"x": tune.uniform(0.0, 1.0)}, metric="score", mode="max", seed=1)
    return BudgetedSearch(inner, Budget(tmp_path / "log", budget_s), max_trials=max_trials)


def test_the_clock_goes_on_where_the_last_process_left_it(tmp_path: Path):
    append_line(tmp_path / "log", Line(1000.0, "a", 1))
    budget = Budget(tmp_path / "log", 1500.0)
    assert budget.spent_s() >= 1000.0
    assert not budget.is_spent()
    assert budget.deadline_s - time.time() < 600.0


def test_a_pickled_budget_forgets_when_it_began(tmp_path: Path):
    budget = Budget(tmp_path / "log", 1500.0)
    assert budget.spent_s() < 1000.0
    append_line(tmp_path / "log", Line(1000.0, "a", 1))
    assert budget.spent_s() < 1000.0
    assert pickle.loads(pickle.dumps(budget)).spent_s() >= 1000.0


def test_a_spent_budget_has_nothing_to_suggest(tmp_path: Path):
    assert search_of(tmp_path, 1000.0).suggest("a") != Searcher.FINISHED
    assert search_of(tmp_path, 0.0).suggest("a") == Searcher.FINISHED


def test_no_more_trials_than_asked_for_also_after_a_restore(tmp_path: Path):
    first = search_of(tmp_path, 1000.0, max_trials=2)
    first.suggest("a")
    first.save(str(tmp_path / "unfinished"))
    (tmp_path / "unfinished").rename(tmp_path / "state")  # as Ray does: a second file would be left behind
    restored = search_of(tmp_path, 1000.0, max_trials=2)
    restored.restore(str(tmp_path / "state"))
    assert restored.suggest("b") == first.suggest("b")
    assert restored.suggest("c") == Searcher.FINISHED


def test_nothing_but_crashes_ends_the_search(tmp_path: Path):
    hopeless, lucky = search_of(tmp_path, 1000.0), search_of(tmp_path, 1000.0)
    lucky.suggest("good")
    lucky.on_trial_complete("good", {"score": 1.0})
    for number in range(MAX_CRASHES):
        for search in (hopeless, lucky):
            search.suggest(str(number))
            search.on_trial_complete(str(number), None, error=True)
    assert hopeless.suggest("next") == Searcher.FINISHED
    assert lucky.suggest("next") != Searcher.FINISHED
