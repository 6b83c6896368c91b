"""With --json, stdout holds one JSON object and nothing else; progress is quiet where nobody watches."""

from __future__ import annotations

import json

import pytest

from inspector.console import Console


def test_for_people_lines_go_to_stdout_and_no_json_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.say("hello")
    console.result({"a": 1})
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("hello\n", "")


def test_for_machines_stdout_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(json_output=True)
    console.say("hello")
    console.warn("careful")
    with console.progress(2, "work") as advance:
        advance(2)
    console.result({"a": [1, None]})
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"a": [1, None]}
    assert shown.err == "hello\nwarning: careful\nwork: 2/2\n"


def test_json_holds_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        Console(json_output=True).result({"a": float("nan")})
    assert capsys.readouterr().out == ""


def test_without_a_terminal_progress_is_a_line_every_ten_seconds_and_one_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now_s = 0.0
    monkeypatch.setattr("inspector.console.time.monotonic", lambda: now_s)
    with Console().progress(30, "training") as advance:
        for step in range(30):
            now_s = float(step)
            advance(1, note=f"loss {step}")
    assert capsys.readouterr().err.splitlines() == [
        "training: 11/30 loss 10",
        "training: 21/30 loss 20",
        "training: 30/30 loss 29",
    ]


def test_on_a_terminal_progress_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Console().progress(3, "training") as advance:
        advance()
        advance(2, note="done")
    shown = capsys.readouterr()
    assert "3/3" in shown.err
    assert shown.out == ""
