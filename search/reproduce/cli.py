"""`inspector reproduce`: a table or figure of the dissertation, published numbers beside measured ones."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from inspector.console import Console
    from search.reproduce.experiment import Experiment, Options

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch is loaded: see search/cli.py

reproduce_app = typer.Typer(add_completion=False, rich_markup_mode=None)
_UNITS_S = {"s": 1, "m": 60, "h": 3600}


@reproduce_app.command()
def reproduce(
    name: str = typer.Argument("", help="The table or figure, for example table-4.3; --list names all."),
    run: Path = typer.Option(
        Path(), "--run", help="Folder of the run; the same command continues it, row by row."
    ),
    preset: str = typer.Option("cpu", "--preset", help="quick, cpu or paper."),
    budget: str = typer.Option("", "--budget", help="Time for one row and seed, such as 90s, 5m or 1h."),
    seeds: str = typer.Option("", "--seeds", help="Seeds, such as 20,21,22; else the experiment's own."),
    data: Path | None = typer.Option(None, "--data", help="Folder of the real data."),
    only: str = typer.Option("", "--only", help="Keys of rows to run, with commas; the rest stays pending."),
    list_all: bool = typer.Option(False, "--list", help="List the experiments and end."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Run a table or figure of the dissertation again and put the published numbers beside.

    Example: inspector reproduce table-4.3 --budget 5m --seeds 20,21,22 --data DATA --run runs/table-4.3
    """
    from inspector.console import Console
    from inspector.errors import InputError, TrainingError
    from search.reproduce.registry import open_experiment
    from search.reproduce.runner import Reproduction

    console = Console(json_output=json_output)
    if list_all:
        _list(console)
        return
    if not name:
        raise InputError("name a table or figure; `inspector reproduce --list` names all")
    if run == Path():
        raise InputError("say where the run is kept: --run FOLDER; the same folder continues it")
    experiment = open_experiment(name)
    options = _options(experiment, preset=preset, budget=budget, seeds=seeds, data=data)
    command = _command(name, options, budget=budget, run=run)
    table = Reproduction(experiment, options, run, command, console).run(
        [key for key in only.split(",") if key]
    )
    console.say(table.markdown())
    console.result({**table.as_dict(), "table": str(run / "table.md")})
    if any(entry.error for entry in table.measured):
        raise TrainingError("some rows failed; the same command tries them again")


def _list(console: Console) -> None:
    from search.reproduce.registry import EXPERIMENTS

    for key, entry in sorted(EXPERIMENTS.items()):
        console.say(f"{key:18} {entry.summary}")
    console.result({"experiments": sorted(EXPERIMENTS)})


def _options(experiment: Experiment, *, preset: str, budget: str, seeds: str, data: Path | None) -> Options:
    """Check the options against what the experiment takes.

    Raises:
        InputError: it takes no such option, lacks one, or one cannot be read.
    """
    from inspector.errors import InputError
    from search.reproduce.experiment import Options

    name, presets = experiment.name, experiment.presets
    if preset not in presets:
        raise InputError(f"{name} has no preset {preset!r}; choose one of {', '.join(presets)}")
    if budget and not experiment.takes_budget:
        raise InputError(f"{name} counts steps, not time: leave --budget out and choose a --preset")
    if experiment.needs_data and data is None:
        raise InputError(f"{name} needs real data: --data FOLDER")
    if data is not None and not data.is_dir():
        raise InputError(f"there is no folder {data}")
    return Options(
        preset=preset,
        seeds=parse_seeds(seeds) or experiment.default_seeds,
        budget_s=parse_duration_s(budget) if budget else None,
        data=data,
    )


def _command(name: str, options: Options, *, budget: str, run: Path) -> str:
    """Return the command for the table; folders are named by what they are, not where they lie here."""
    said = ["inspector", "reproduce", name, "--preset", options.preset]
    said += ["--budget", budget] if budget else []
    said += ["--seeds", ",".join(str(seed) for seed in options.seeds)]
    said += ["--data", options.data.name] if options.data is not None else []
    return shlex.join([*said, "--run", run.name])


def parse_seeds(text: str) -> tuple[int, ...]:
    """Read seeds from `20,21,22`; an empty text gives none.

    Raises:
        InputError: something in it is not a whole number from 0, or is there twice.
    """
    from inspector.errors import InputError

    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() for word in words) or len(set(words)) != len(words):
        raise InputError(f"--seeds is {text!r}, but must be different whole numbers from 0, such as 20,21,22")
    return tuple(int(word) for word in words)


def parse_duration_s(text: str) -> float:
    """Return seconds of `90s`, `5m` or `1.5h`.

    >>> parse_duration_s("5m")
    300.0

    Raises:
        InputError: it is not a number with one of the units.
    """
    from inspector.errors import InputError

    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if found is None or float(found[1]) <= 0:
        raise InputError(f"--budget is {text!r}, but must be a time such as 90s, 5m or 1h")
    return float(found[1]) * _UNITS_S[found[2]]
