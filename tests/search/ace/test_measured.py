"""The log of a tuning: one line a report, nothing lost, nothing counted twice."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from search.ace import record as keys
from search.ace.measured import Line, MeasuredCallback, append_line, line_of, read_lines
from search.ace.options import AceOptions, Constraint

OPTIONS = AceOptions("auc", "max", (Constraint("eod", 0.25),))


def report(**changes: Any) -> dict[str, Any]:
    return {
        "trial_id": "a",
        keys.ITERATION: 3,
        "auc": 0.8,
        keys.EVALUATED: True,
        keys.CANDIDATE: 0.7,
        keys.CANDIDATE_ITERATION: 2,
        keys.constraint_key("eod"): 0.2,
        keys.BETA: 1,
        keys.COST_RATIO: 1.9,
        keys.PRIMARY_COST_S: 0.05,
        keys.CONSTRAINT_COST_S: 0.1,
        keys.STOPPED: "",
        "done": False,
        "config": {"x": 1},
        **changes,
    }


def test_a_report_becomes_a_line_and_comes_back(tmp_path: Path):
    line = line_of(report(), OPTIONS, seconds=1.5, with_config=True)
    append_line(tmp_path / "log", line)
    assert read_lines(tmp_path / "log") == [line]
    assert (line.candidate, line.candidate_iteration, line.g) == (0.7, 2, {"eod": 0.2})


def test_what_was_not_evaluated_or_is_no_number_is_left_out():
    unevaluated = report(**{keys.EVALUATED: False, keys.CONSTRAINT_COST_S: math.nan, "auc": math.nan})
    line = line_of(unevaluated, OPTIONS, seconds=0.0, with_config=False)
    assert (line.objective, line.candidate, line.g, line.constraint_cost_s, line.config) == (
        None,
        None,
        {},
        None,
        None,
    )
    nothing = line_of(report(**{keys.constraint_key("eod"): math.nan}), OPTIONS, seconds=0, with_config=False)
    assert nothing.g == {"eod": None}


def test_a_line_that_a_kill_cut_off_is_passed_over(tmp_path: Path):
    log = tmp_path / "log"
    append_line(log, Line(1.0, "a", 1, objective=0.5))
    with log.open("a") as file:
        file.write('{"seconds": 2.0, "tri')
    assert [line.trial for line in read_lines(log)] == ["a"]


def test_a_report_that_comes_again_after_a_restore_keeps_its_first_time(tmp_path: Path):
    log = tmp_path / "log"
    for seconds, iteration in ((1.0, 1), (2.0, 2), (9.0, 1), (9.5, 2), (10.0, 3)):
        append_line(log, Line(seconds, "a", iteration))
    assert [line.seconds for line in read_lines(log)] == [1.0, 2.0, 10.0]


def test_the_callback_writes_the_configuration_once_and_the_reason_of_a_crash(tmp_path: Path):
    seen: list[Line] = []
    clock = iter([0.5, 1.0, 2.0])
    callback = MeasuredCallback(tmp_path / "log", OPTIONS, lambda: next(clock), seen.append)
    trial: Any = SimpleNamespace(trial_id="a", config={"x": 1}, error_file=str(tmp_path / "error.txt"))
    (tmp_path / "error.txt").write_text("Failure # 1\nTraceback ...\nlast line\n\n")
    callback.on_trial_result(0, [trial], trial, report())
    callback.on_trial_result(1, [trial], trial, report(**{keys.ITERATION: 4}))
    callback.on_trial_error(2, [trial], trial)
    assert [line.config for line in seen] == [{"x": 1}, None, {"x": 1}]
    assert [line.error for line in seen] == ["", "", "last line"]
    assert read_lines(tmp_path / "log") == seen
