"""Everything that trials reported, one JSON line each, written as it comes: a kill loses nothing.

Source: design.md, "Run folder": what depends on measured time keeps everything that was measured.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.experiment import Trial

from search.ace import record as keys
from search.ace.options import AceOptions

REPEATS = "ace/repeats"  # a last report that says again what the one before said


@dataclass(frozen=True)
class Line:
    """One report, one crash, or one evaluation after the tuning.

    Attributes:
        seconds: Since the tuning began, pauses between processes left out.
        objective: As the user reports it; None where it was not a number, or for a crash.
        candidate: Objective of the checkpoint whose constraints were evaluated; None: nothing was evaluated.
        g: Constraint values of that checkpoint, by name.
        beta: Interval of the trial at this moment.
        cost_ratio: r at this moment, None while it is unknown.
        config: With the first report of a trial.
        stopped: Why the trial was stopped here; empty where it was not.
        error: Of a trial that crashed.
    """

    seconds: float
    trial: str
    iteration: int = 0
    objective: float | None = None
    candidate: float | None = None
    candidate_iteration: int = 0
    g: Mapping[str, float | None] = field(default_factory=dict)
    beta: int = 0
    cost_ratio: float | None = None
    primary_cost_s: float | None = None
    constraint_cost_s: float | None = None
    config: Mapping[str, Any] | None = None
    done: bool = False
    stopped: str = ""
    error: str = ""
    afterwards: bool = False


def line_of(result: Mapping[str, Any], options: AceOptions, *, seconds: float, with_config: bool) -> Line:
    """Return the line of a report."""
    evaluated = bool(result.get(keys.EVALUATED)) and not result.get(REPEATS)
    names = [constraint.name for constraint in options.constraints]
    g = {name: number(result.get(keys.constraint_key(name))) for name in names} if evaluated else {}
    return Line(
        seconds=seconds,
        trial=str(result["trial_id"]),
        iteration=int(result[keys.ITERATION]),
        objective=number(result.get(options.metric)),
        candidate=number(result.get(keys.CANDIDATE)) if evaluated else None,
        candidate_iteration=int(result.get(keys.CANDIDATE_ITERATION) or 0) if evaluated else 0,
        g=g,
        beta=int(result.get(keys.BETA) or 0),
        cost_ratio=number(result.get(keys.COST_RATIO)),
        primary_cost_s=number(result.get(keys.PRIMARY_COST_S)),
        constraint_cost_s=number(result.get(keys.CONSTRAINT_COST_S)) if evaluated else None,
        config=dict(result["config"]) if with_config else None,
        done=bool(result.get("done")),
        stopped=str(result.get(keys.STOPPED) or ""),
    )


class MeasuredCallback(Callback):
    """Writes the lines while Ray tunes.

    Args:
        seconds: Tells the time since the tuning began.
        seen: Called with every line, for a progress display.
    """

    def __init__(
        self,
        log: Path,
        options: AceOptions,
        seconds: Callable[[], float],
        seen: Callable[[Line], None] | None = None,
    ) -> None:
        self.log, self.options, self.seconds, self.seen = log, options, seconds, seen
        self._known: set[str] = set()

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        first = trial.trial_id not in self._known
        self._known.add(trial.trial_id)
        self._write(line_of(result, self.options, seconds=self.seconds(), with_config=first))

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._write(
            Line(
                self.seconds(),
                trial.trial_id,
                config=dict(trial.config),
                done=True,
                error=_reason(trial.error_file),
            )
        )

    def _write(self, line: Line) -> None:
        append_line(self.log, line)
        if self.seen is not None:
            self.seen(line)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "seen": None}


def append_line(log: Path, line: Line) -> None:
    """Add one line at the end of the log; empty fields are left out."""
    fields = {key: value for key, value in line.__dict__.items() if value not in (None, "", {}, False)}
    with log.open("a") as file:
        file.write(json.dumps(fields, allow_nan=False, default=str) + "\n")


def read_lines(log: Path) -> Sequence[Line]:
    """Return the lines of a log, without a last one that a kill cut off; none where there is no file.

    A report that came twice, as after a restore, counts once, with its first time.
    """
    if not log.exists():
        return []
    lines: dict[tuple[str, int, bool, bool], Line] = {}
    for text in log.read_text().splitlines():
        try:
            line = Line(**json.loads(text))
        except (ValueError, TypeError):
            continue
        lines.setdefault((line.trial, line.iteration, line.done, line.afterwards), line)
    return list(lines.values())


def _reason(error_file: str | None) -> str:
    """Return the last line of the text that Ray wrote about a crash on this machine.

    Ray's `get_error()` reads a copy in the storage, which comes later.
    """
    path = None if error_file is None else Path(error_file)
    said = path.read_text().strip() if path is not None and path.exists() else ""
    return said.splitlines()[-1] if said else "it gave no reason"


def number(value: Any) -> float | None:
    """Return a finite number, else None: JSON knows no others."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None
