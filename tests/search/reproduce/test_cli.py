"""What the verb `reproduce` refuses, and how it reads seeds and times."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.cli import run
from inspector.errors import InputError
from search.reproduce.cli import parse_duration_s, parse_seeds
from search.reproduce.registry import EXPERIMENTS, open_experiment


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("5m", 300.0), ("1.5h", 5400.0)])
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["5", "m", "-5m", "0s", "5 minutes", "1d"])
def test_a_bad_duration(text: str) -> None:
    with pytest.raises(InputError, match="must be a time such as 90s"):
        parse_duration_s(text)


def test_seeds() -> None:
    assert parse_seeds("20, 21,22") == (20, 21, 22)
    assert parse_seeds("") == ()


@pytest.mark.parametrize("text", ["a", "1,1", "-1", "1.5"])
def test_bad_seeds(text: str) -> None:
    with pytest.raises(InputError, match="different whole numbers"):
        parse_seeds(text)


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_every_experiment_opens_and_says_what_it_is(name: str) -> None:
    experiment = open_experiment(name)
    assert experiment.name == name
    assert experiment.title
    assert experiment.source
    assert experiment.figures
    assert experiment.default_seeds


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["reproduce"], "name a table or figure"),
        (["reproduce", "table-9.9", "--run", "x"], "no experiment 'table-9.9'"),
    ],
)
def test_bad_usage(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(arguments) == 2
    assert sentence in capsys.readouterr().err
