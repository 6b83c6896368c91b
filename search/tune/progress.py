"""How far a tuning is, for the console: read from what was measured, so that it is right after a resume."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from inspector.console import Advance, Console
from search.ace.measured import Line, read_lines
from search.ace.options import AceOptions
from search.ace.outcome import outcome_of
from search.tune.recipe import TuneRecipe

POLL_S = 2.0


def progress_note(lines: Sequence[Line], options: AceOptions) -> str:
    """Say in a few words what has been found so far."""
    outcome = outcome_of(lines, options)
    best = outcome.best_feasible
    found = "nothing feasible yet" if best is None else f"best feasible {best.objective:.4f}"
    return f"{len(outcome.trials)} trials, {outcome.num_evaluations} constraint evaluations, {found}"


def num_ended(lines: Sequence[Line]) -> int:
    """Return how many trials have come to an end."""
    return len({line.trial for line in lines if line.done or line.stopped or line.error})


@contextmanager
def shown(console: Console, log: Path, settings: TuneRecipe, options: AceOptions) -> Iterator[None]:
    """Show the progress of the tuning that writes `log`, in trials where their number is the budget."""
    in_trials = settings.trials is not None
    total = settings.trials if settings.trials is not None else round(settings.seconds or 0)
    stop = threading.Event()
    with console.progress(total, "tuning (trials)" if in_trials else "tuning (seconds)") as advance:
        thread = threading.Thread(
            target=_watch, args=(log, options, advance, stop), kwargs={"in_trials": in_trials}, daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _watch(
    log: Path, options: AceOptions, advance: Advance, stop: threading.Event, *, in_trials: bool
) -> None:
    shown, num_lines = 0, -1
    is_last = False
    while not is_last:
        is_last = stop.wait(POLL_S)
        lines = read_lines(log)
        if len(lines) == num_lines:
            continue
        num_lines = len(lines)
        done = num_ended(lines) if in_trials else int(max((line.seconds for line in lines), default=0.0))
        advance(max(0, done - shown), note=progress_note(lines, options))
        shown = max(shown, done)
