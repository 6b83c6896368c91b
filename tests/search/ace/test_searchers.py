"""Random search draws one sequence whatever happens; TPE and BlendSearch learn where trials are feasible."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.search import Searcher

from inspector.errors import InputError
from search.ace.options import Constraint
from search.ace.searchers import make_searcher


def searcher_of(name: str, space: dict[str, Any] | None = None, **options: Any) -> Searcher:
    space = space or {"x": tune.uniform(0.0, 1.0), "n": tune.lograndint(4, 21000), "fixed": 7}
    chosen = {"metric": "score", "mode": "max", "constraints": [Constraint("g", 0.3)], "seed": 20, **options}
    return make_searcher(name, space, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["random", "tpe", "blend"])
def test_the_first_configuration_is_the_initial_one_and_constants_stay(name):
    searcher = searcher_of(name, initial={"x": 0.5, "n": 4, "fixed": 7})
    assert searcher.suggest("a") == {"x": 0.5, "n": 4, "fixed": 7}
    searcher.on_trial_complete("a", {"score": 0.1, "ace/g/g": 0.2, "config": {"x": 0.5, "n": 4, "fixed": 7}})
    second = searcher.suggest("b")
    assert second is not None
    assert second["fixed"] == 7
    assert 4 <= second["n"] < 21000


def test_random_draws_the_same_sequence_whatever_the_results_are():
    calm, busy, other = searcher_of("random"), searcher_of("random"), searcher_of("random", seed=21)
    expected = [calm.suggest(f"t{i}") for i in range(6)]
    drawn = []
    for i in range(6):
        drawn.append(busy.suggest(f"u{i}"))
        busy.on_trial_complete(f"u{i}", {"score": float(i)}, error=i % 2 == 0)
    assert drawn == expected
    assert len({config["x"] for config in expected if config}) == 6
    assert other.suggest("t0") != expected[0]


def test_random_goes_on_where_it_was_saved(tmp_path: Path):
    first = searcher_of("random")
    expected = [first.suggest(f"t{i}") for i in range(4)]
    saved = searcher_of("random")
    for i in range(2):
        saved.suggest(f"t{i}")
    saved.save(str(tmp_path / "state"))
    resumed = searcher_of("random")
    resumed.restore(str(tmp_path / "state"))
    assert [resumed.suggest(f"t{i}") for i in range(4)] == expected


@pytest.mark.parametrize("name", ["tpe", "blend"])
def test_constrained_searchers_go_where_trials_are_feasible(name):
    """The score grows with x, which is feasible up to 0.3: a searcher without the constraint goes to 1."""

    def late_mean(searcher: Searcher) -> float:
        late = []
        for i in range(60):
            config = searcher.suggest(f"t{i}")
            if config is None:
                continue
            x = config["x"]
            result = {"score": x, "ace/g/g": x, "config": config, "time_total_s": 1.0 + i}
            searcher.on_trial_complete(f"t{i}", result)
            if i >= 30:
                late.append(x)
        return sum(late) / len(late)

    space = {"x": tune.uniform(0.0, 1.0)}
    free = late_mean(searcher_of(name, space, constraints=[], initial={"x": 0.05}))
    bound = late_mean(searcher_of(name, space, initial={"x": 0.05}))
    assert bound < 0.5 < free


@pytest.mark.parametrize("name", ["tpe", "blend"])
def test_failed_trials_and_trials_without_a_score_do_no_harm(name):
    searcher = searcher_of(name, {"x": tune.uniform(0.0, 1.0)}, initial={"x": 0.1})
    for i, (result, error) in enumerate(
        [(None, True), ({"score": float("nan")}, False), ({"score": 0.1, "ace/g/g": None}, False)]
    ):
        config = searcher.suggest(f"t{i}")
        told = None if result is None else {**result, "config": config, "time_total_s": 1.0}
        searcher.on_trial_complete(f"t{i}", told, error=error)
    assert searcher.suggest("last") is not None


def test_blend_is_told_a_violation_where_flaml_would_see_none():
    """Exactly 0 and missing count as met in flaml: both reach it as numbers that are not 0."""
    pytest.importorskip("flaml")
    from search.ace import blend

    told: list[dict[str, Any]] = []

    class Spy(blend.ConstrainedBlendSearch):
        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            self._parent_on_complete(trial_id, result, error)

        def _parent_on_complete(self, trial_id: str, result: Any, error: bool) -> None:
            original = blend.BlendSearch.on_trial_complete
            blend.BlendSearch.on_trial_complete = lambda _self, _id, seen=None, error=False: told.append(seen)
            try:
                super().on_trial_complete(trial_id, result, error)
            finally:
                blend.BlendSearch.on_trial_complete = original

    spy = Spy(
        {"x": tune.uniform(0.0, 1.0)}, metric="s", mode="max", constraints=[Constraint("g", 0.3)], seed=1
    )
    spy.on_trial_complete("a", {"s": 1.0, "ace/g/g": 0.3})
    spy.on_trial_complete("b", {"s": 1.0})
    assert told[0]["ace/violation/g"] == blend.MET
    assert told[1]["ace/violation/g"] > 0.0


def test_what_cannot_be_searched_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InputError, match="'x' is a grid"):
        searcher_of("random", {"x": tune.grid_search([1, 2])})
    with pytest.raises(InputError, match="nothing to search"):
        searcher_of("tpe", {"x": 1})
    with pytest.raises(InputError, match="no searcher 'grid'; they are random, tpe, blend"):
        searcher_of("grid")


def test_blend_without_flaml_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    real_import = builtins.__import__

    def without_flaml(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] == "flaml":
            raise ImportError("No module named 'flaml'")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "search.ace.blend", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_flaml)
    with pytest.raises(InputError, match=r"pip install 'visual-inspector\[flaml\]'"):
        searcher_of("blend")
