"""Numbers and sentences of the report."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from search.report import wording
from search.report.record import read_record

MakeRun = Callable[..., Path]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.46312, "0.463"),
        (14.21, "14.2"),
        (1234, "1,234"),
        (0, "0"),
        (None, "–"),
        (math.nan, "–"),
        ("exact", "exact"),
    ],
)
def test_number(value: object, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (725, "12 min 05 s"),
        (3599.7, "1 h 00 min"),
        (3780, "1 h 03 min"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert wording.duration(seconds) == text


def test_millions() -> None:
    assert (wording.millions(1_964_529), wording.millions(None)) == ("1.96 M", "–")


def test_a_metric_without_a_name_gets_its_key_as_one() -> None:
    assert (wording.metric_name("pixel_aupr"), wording.metric_name("new_figure")) == (
        "Pixel AUPR",
        "New figure",
    )


def test_limits_show_how_much_of_them_is_used(make_run: MakeRun) -> None:
    assert wording.limit_rows(read_record(make_run())) == [
        ("Parameters", "0.85 M", "1.25 M", "68 %"),
        ("Size", "3.40 MB", "5 MB", "68 %"),
        ("MACs", "1.13 G", "4 G", "28 %"),
    ]


def test_a_predicted_latency_says_what_it_is(make_run: MakeRun) -> None:
    run = make_run(charts=False)
    path = run / "result.json"
    device = {"name": "line7", "basis": "measured", "relative_error": 0.08}
    limits = {"max_latency_ms": 20.0, "device": "line7.json"}
    changes = {"latency_ms": 15.0, "device": device, "limits": limits}
    path.write_text(json.dumps(json.loads(path.read_text()) | changes), encoding="utf-8")
    record = read_record(run)
    assert wording.limit_rows(record) == [("Latency, predicted", "15.00 ms", "20 ms", "75 %")]
    assert (
        "15.00 ms a frame are predicted on line7 (measured, typically within 8 %)"
        in wording.notes(record)[-1]
    )


def test_limits_of_an_unfinished_run_have_no_value_yet(make_run: MakeRun) -> None:
    rows = wording.limit_rows(read_record(make_run(until="one_shot")))
    assert rows[0] == ("Parameters", "–", "1.25 M", "–")


@pytest.mark.parametrize(
    ("until", "sentence"),
    [
        ("evaluation", "Images with real defects were looked at only in the final evaluation."),
        ("retraining", "No image with a real defect was looked at so far"),
    ],
)
def test_the_notes_say_when_real_defects_were_opened(make_run: MakeRun, until: str, sentence: str) -> None:
    assert sentence in wording.notes(read_record(make_run(until=until)))[0]


@pytest.mark.parametrize(
    ("num_defect", "sentence"),
    [(257, "rests on 257 defective and 161 good images"), (0, "holds no defective image")],
)
def test_the_notes_say_what_the_figures_rest_on(make_run: MakeRun, num_defect: int, sentence: str) -> None:
    record = read_record(make_run())
    metrics = {**record.metrics, "num_defect": num_defect}
    record = dataclasses.replace(record, result={**record.result, "metrics": metrics})
    assert any(sentence in note for note in wording.notes(record))


def test_notes_on_stages_that_have_not_run_are_left_out(make_run: MakeRun) -> None:
    text = " ".join(wording.notes(read_record(make_run(until="one_shot"))))
    assert "fitness" not in text
