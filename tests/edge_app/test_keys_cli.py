"""`inspector keys` as its user meets it: output, JSON and exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_app.access.keys import KeyFileError, Keys
from edge_app.access.principals import Principal, Role
from edge_app.keys_cli import app

RUNNER = CliRunner()


def test_a_key_is_made_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    made = RUNNER.invoke(app, ["add", "line7", "--role", "operator", *state, "--json"])
    answer = json.loads(made.stdout)
    found = Keys(tmp_path).find(answer["key"])
    assert found is not None
    assert found.principal == Principal("line7", Role.OPERATOR)
    listed = RUNNER.invoke(app, ["list", *state])
    assert listed.stdout.split()[:2] == ["line7", "operator"]
    assert answer["key"] not in listed.output
    assert RUNNER.invoke(app, ["revoke", "line7", *state]).exit_code == 0
    assert json.loads(RUNNER.invoke(app, ["list", *state, "--json"]).stdout) == {"keys": []}


def test_the_key_is_on_one_stream_only(tmp_path: Path) -> None:
    arguments = ["add", "a", "--role", "viewer", "--state", str(tmp_path)]
    plain = RUNNER.invoke(app, arguments)
    assert plain.stdout.count("vi_") == 1
    assert "vi_" not in plain.stderr
    arguments[1] = "b"
    assert "vi_" not in RUNNER.invoke(app, [*arguments, "--json"]).stderr


def test_the_state_folder_also_comes_from_the_environment(tmp_path: Path) -> None:
    listed = RUNNER.invoke(app, ["list"], env={"INSPECTOR_STATE": str(tmp_path)})
    assert listed.stdout == f"{tmp_path} has no keys\n"


@pytest.mark.parametrize("arguments", [["add", "x", "--role", "root"], ["add", "x"], ["revoke"]])
def test_bad_usage(arguments: list[str], tmp_path: Path) -> None:
    assert RUNNER.invoke(app, [*arguments, "--state", str(tmp_path)]).exit_code == 2


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    ended = RUNNER.invoke(app, ["revoke", "x", "--state", str(tmp_path)])
    assert isinstance(ended.exception, KeyFileError)
    assert "no key is named 'x'; there are: none" in str(ended.exception)
