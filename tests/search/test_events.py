"""The event log survives kills, and tells damage from a cut."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from inspector.errors import RunError, StorageError
from search.events import EventLog, latest

AWKWARD_FLOATS = (0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, float(np.float32(0.1)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def test_an_event_comes_back_with_kind_time_and_fields(path: Path) -> None:
    with EventLog(path) as log:
        log.write("stage", stage="one_shot", state="started")
    (event,) = EventLog.read(path)
    assert (event["kind"], event["stage"], event["state"]) == ("stage", "one_shot", "started")
    assert datetime.fromisoformat(event["time"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize("value", AWKWARD_FLOATS)
def test_floats_come_back_bit_for_bit(path: Path, value: float) -> None:
    with EventLog(path) as log:
        log.write("step", loss=value)
    assert EventLog.read(path)[0]["loss"].hex() == value.hex()


def test_nan_comes_back_as_nan(path: Path) -> None:
    with EventLog(path) as log:
        log.write("step", loss=float("nan"))
    assert math.isnan(EventLog.read(path)[0]["loss"])


def test_scalars_of_numpy_and_paths_become_plain_values(path: Path) -> None:
    with EventLog(path, fsync=True) as log:
        log.write("step", step=np.int64(7), loss=np.float32(0.5), run=Path("a/b"))
    event = EventLog.read(path)[0]
    assert (event["step"], event["loss"], event["run"]) == (7, 0.5, "a/b")


def test_a_value_that_is_no_json_is_refused_and_leaves_no_line(path: Path) -> None:
    with EventLog(path) as log:
        with pytest.raises(TypeError, match="cannot hold a set"):
            log.write("step", genes={1, 2})
        log.write("step", step=1)
    assert len(EventLog.read(path)) == 1


def test_every_event_is_in_the_file_before_write_returns(path: Path) -> None:
    log = EventLog(path)
    for step in range(3):
        log.write("step", step=step)
        assert len(EventLog.read(path)) == step + 1
    log.close()
    log.close()


def test_a_name_with_a_line_break_stays_one_line(path: Path) -> None:
    with EventLog(path) as log:
        log.write("note", file="a\nb\u2028ü.png")
        log.write("note", file="c")
    assert [event["file"] for event in EventLog.read(path)] == ["a\nb\u2028ü.png", "c"]


def test_no_file_yet_means_no_events(path: Path) -> None:
    assert EventLog.read(path) == []


def test_a_line_cut_at_any_byte_is_ignored_and_then_overwritten(path: Path) -> None:
    with EventLog(path) as log:
        log.write("step", step=1)
        whole = path.stat().st_size
        log.write("step", step=2, note="ü")
    content = path.read_bytes()
    for cut in range(whole, len(content)):
        path.write_bytes(content[:cut])
        assert [event["step"] for event in EventLog.read(path)] == [1]
        with EventLog(path) as log:
            log.write("step", step=3)
        assert [event["step"] for event in EventLog.read(path)] == [1, 3]


@pytest.mark.parametrize("damage", ['{"kind":"step","st', "[1, 2]", '{"step":1}', "", '{"kind":7}'])
def test_a_damaged_line_in_the_middle_is_named(path: Path, damage: str) -> None:
    path.write_text('{"kind":"step"}\n' + damage + '\n{"kind":"step"}\n', encoding="utf-8")
    with pytest.raises(RunError, match=r"events\.jsonl, line 2: not an event"):
        EventLog.read(path)


def test_bytes_that_are_no_text_are_named_too(path: Path) -> None:
    path.write_bytes(b'\xff\xfe\n{"kind":"step"}\n')
    with pytest.raises(RunError, match="line 1: not an event"):
        EventLog.read(path)


def test_a_folder_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot open the event log .*absent"):
        EventLog(path.parent / "absent" / "events.jsonl")


def test_a_full_disk_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = os.write, []

    def fill_up(fd: int, data: bytes) -> int:
        calls.append(data)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return write(fd, data[:5])

    with EventLog(path) as log:
        log.write("step", step=1)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fill_up)
            with pytest.raises(StorageError, match="No space left on device; make room"):
                log.write("step", step=2)
        log.write("step", step=3)
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 3]


def test_latest_keeps_the_last_event_of_each_key_in_the_order_of_the_first() -> None:
    events = [
        {"kind": "step", "stage": "one_shot", "step": 1, "loss": 3.0},
        {"kind": "step", "stage": "one_shot", "step": 2, "loss": 2.0},
        {"kind": "step", "stage": "retraining", "step": 1, "loss": 9.0},
        {"kind": "stage", "stage": "one_shot", "step": 1},
        {"kind": "step", "stage": "one_shot", "step": 1, "loss": 1.0},
    ]
    kept = latest(events, "step", ["stage", "step"])
    assert [(event["stage"], event["step"], event["loss"]) for event in kept] == [
        ("one_shot", 1, 1.0),
        ("one_shot", 2, 2.0),
        ("retraining", 1, 9.0),
    ]


def test_latest_of_a_kind_that_never_happened_is_empty() -> None:
    assert latest([{"kind": "step", "step": 1}], "candidate", ["genes"]) == []
