"""What each policy by name is made of."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from inspector.errors import InputError
from search.ace.ending import AskingScheduler, RungsCallback
from search.ace.names import POLICY_NAMES
from search.ace.options import Constraint
from search.ace.policies import Policy, make_policy
from search.ace.scheduler import AceScheduler


def policy_of(name: str, **options: Any) -> Policy:
    return make_policy(
        name, metric="auc", mode="max", constraints=[Constraint("eod", 0.25)], max_iterations=64, **options
    )


@pytest.mark.parametrize(
    ("name", "interval", "spacing", "skip", "stopping", "truncation"),
    [
        ("no_stopping", "last", "linear", False, "none", 0.25),
        ("no_stopping_callback", "last", "linear", False, "none", 0.25),
        ("asha", "last", "linear", False, "none", 0.25),
        ("asha_callback", "last", "linear", False, "none", 0.25),
        ("ace", "adaptive", "linear", True, "stratum", 0.25),
        ("ace_hard", "adaptive", "linear", True, "hard", 0.25),
        ("ace_noskip", "adaptive", "linear", False, "stratum", 0.25),
        ("ace_beta_1", "one", "linear", True, "stratum", 0.25),
        ("ace_beta_T", "last", "linear", True, "stratum", 0.25),
        ("asha_stratum", "one", "geometric", False, "stratum", 0.75),
        ("asha_stratum_not_fixed", "adaptive", "geometric", False, "stratum", 0.75),
    ],
)
def test_the_options_of_each_policy(name, interval, spacing, skip, stopping, truncation):
    options = policy_of(name).options
    found = (options.interval, options.spacing, options.skip, options.stopping, options.truncation)
    assert found == (interval, spacing, skip, stopping, truncation)


def test_all_names_are_in_the_table_above():
    assert len(POLICY_NAMES) == 11


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_every_name_makes_a_policy(name):
    assert policy_of(name).name == name


@pytest.mark.parametrize(
    ("name", "kind", "checks_afterwards", "asks"),
    [
        ("no_stopping", FIFOScheduler, True, False),
        ("no_stopping_callback", FIFOScheduler, False, False),
        ("asha", ASHAScheduler, True, False),
        ("asha_callback", AskingScheduler, False, True),
        ("ace", AceScheduler, False, False),
        ("asha_stratum", AceScheduler, False, False),
    ],
)
def test_who_stops_and_when_constraints_are_known(name, kind, checks_afterwards, asks):
    policy = policy_of(name)
    assert type(policy.scheduler) is kind
    assert (policy.checks_afterwards, policy.asks) == (checks_afterwards, asks)


def test_the_truncation_is_that_of_ace_and_its_ablations():
    assert policy_of("ace", truncation=0.13).options.truncation == 0.13
    assert policy_of("asha_stratum", truncation=0.13).options.truncation == 0.75


def test_an_unknown_policy_names_the_others():
    with pytest.raises(
        InputError, match="no policy 'median'; they are no_stopping, no_stopping_callback, asha"
    ):
        policy_of("median")


class StopsSecondReports(FIFOScheduler):
    """Stops a trial at iteration 2, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.told: list[tuple[str, int]] = []

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Any) -> str:
        self.told.append(("result", result["at"]))
        return TrialScheduler.STOP if result["at"] == 2 else TrialScheduler.CONTINUE

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: Any) -> None:
        self.told.append(("complete", result["at"]))


class Notes:
    """An ending board without Ray."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ask = SimpleNamespace(remote=self.asked.append)


def asking() -> tuple[AskingScheduler, StopsSecondReports, Notes]:
    inner, notes = StopsSecondReports(), Notes()
    scheduler = AskingScheduler(inner)
    scheduler._board = notes
    return scheduler, inner, notes


def test_a_stop_becomes_a_request_and_later_reports_are_not_passed_on():
    scheduler, inner, notes = asking()
    trial: Any = SimpleNamespace(trial_id="a")
    decisions = [scheduler.on_trial_result(None, trial, {"at": at}) for at in (1, 2, 3)]
    scheduler.on_trial_complete(None, trial, {"at": 3})
    assert decisions == [TrialScheduler.CONTINUE] * 3
    assert notes.asked == ["a", "a"]  # asked again where the first request came too late
    assert inner.told == [("result", 1), ("result", 2)]


def test_a_trial_that_was_not_asked_completes_as_usual():
    scheduler, inner, notes = asking()
    scheduler.on_trial_complete(None, SimpleNamespace(trial_id="a"), {"at": 9})  # type: ignore[arg-type]
    assert inner.told == [("complete", 9)]
    assert notes.asked == []


def test_the_rungs_of_asha_survive_a_restore():
    first, second = policy_of("asha_callback"), policy_of("asha_callback")
    trial: Any = SimpleNamespace(trial_id="a")
    scheduler: Any = first.scheduler
    scheduler._board = Notes()
    scheduler.inner.on_trial_add(None, trial)
    for at in (1, 4):
        scheduler.on_trial_result(None, trial, {"ace/iteration": at, "auc": 0.5})
    scheduler.asked.add("b")
    saved, restored = first.callbacks[0], second.callbacks[0]
    assert isinstance(saved, RungsCallback)
    assert isinstance(restored, RungsCallback)
    restored.set_state(pickle.loads(pickle.dumps(saved.get_state())))
    after: Any = second.scheduler
    assert after.asked == {"b"}
    rungs = after.inner._brackets[0]._rungs
    assert rungs == scheduler.inner._brackets[0]._rungs
    assert [milestone for milestone, recorded in rungs if recorded] == [4, 1]
