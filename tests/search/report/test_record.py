"""A run folder is read at any moment of its life."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.errors import RunError
from search.events import EventLog
from search.report.record import read_record, series

MakeRun = Callable[..., Path]


def test_stages_say_how_far_the_run_is(make_run: MakeRun) -> None:
    record = read_record(make_run(until="evolution"))
    assert record.stages == {
        "one_shot": "finished",
        "evolution": "finished",
        "retraining": "not started",
        "evaluation": "not started",
    }
    assert not record.finished


def test_a_run_with_metrics_is_finished(make_run: MakeRun) -> None:
    assert read_record(make_run()).finished


def test_before_there_is_a_result_the_limits_come_from_the_recipe(make_run: MakeRun) -> None:
    assert read_record(make_run(until="one_shot")).limits["max_size_mb"] == 5.0


def test_a_limit_that_is_not_set_is_left_out(make_run: MakeRun) -> None:
    assert "max_latency_ms" not in read_record(make_run()).limits


def test_steps_written_again_after_a_resume_count_once_and_the_last_counts(make_run: MakeRun) -> None:
    run = make_run(until="one_shot")
    before = read_record(run).steps("one_shot")
    with EventLog(run / "events.jsonl") as log:
        log.write("step", stage="one_shot", step=40, loss=0.125)
    after = read_record(run).steps("one_shot")
    assert [event["step"] for event in after] == [event["step"] for event in before]
    assert after[1]["loss"] == 0.125


def test_candidates_evaluated_again_after_a_resume_count_once(make_run: MakeRun) -> None:
    run = make_run(until="evolution")
    before = read_record(run).candidates()
    with EventLog(run / "events.jsonl") as log:
        log.write("candidate", **{name: before[3][name] for name in ("generation", "genes", "fitness")})
    assert len(read_record(run).candidates()) == len(before)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        RunError, match=r"is not a run folder: it holds neither recipe\.yaml nor events\.jsonl"
    ):
        read_record(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("result.json", b'{"params": 12', r"result\.json is damaged"),
        ("result.json", b"[1, 2]", r"result\.json holds a list instead of named fields"),
        ("recipe.yaml", b"seed: [1", r"recipe\.yaml is damaged"),
        ("recipe.yaml", b"\xff\xfe", r"recipe\.yaml is not a text file"),
    ],
)
def test_a_damaged_file_is_named(make_run: MakeRun, name: str, content: bytes, message: str) -> None:
    run = make_run()
    (run / name).write_bytes(content)
    with pytest.raises(RunError, match=message):
        read_record(run)


def test_series_keeps_only_pairs_of_finite_numbers() -> None:
    events = [
        {"kind": "step", "step": 1, "loss": 0.5},
        {"kind": "step", "step": 2, "loss": float("nan")},
        {"kind": "step", "step": 3, "loss": None},
        {"kind": "step", "step": 4},
        {"kind": "step", "step": 5, "loss": float("inf")},
        {"kind": "step", "step": 6, "loss": 1},
    ]
    x, y = series(events, "step", "loss")
    assert (x.tolist(), y.tolist()) == ([1.0, 6.0], [0.5, 1.0])


def test_series_of_nothing_is_empty() -> None:
    assert [part.shape for part in series([], "step", "loss")] == [(0,), (0,)]
