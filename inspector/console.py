"""What a verb says: lines for people, one JSON object for machines, progress on long work."""

import json
import sys
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Mapping, Optional

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Advance = Callable[..., None]
LOG_INTERVAL_S = 10.0


class Console:
    """Keeps stdout for the answer: with `--json` one JSON object, everything else goes to stderr."""

    def __init__(self, *, json_output: bool = False) -> None:
        self._json_output = json_output

    def say(self, text: str) -> None:
        """Print one line for a person."""
        print(text, file=sys.stderr if self._json_output else sys.stdout, flush=True)

    def warn(self, text: str) -> None:
        """Print one warning line, always to stderr."""
        print(f"warning: {text}", file=sys.stderr, flush=True)

    def result(self, answer: Mapping[str, Any]) -> None:
        """Print `answer` as the one JSON object of `--json`; nothing without it."""
        if self._json_output:
            print(json.dumps(answer, allow_nan=False), flush=True)

    @contextmanager
    def progress(self, total: int, what: str) -> Iterator[Advance]:
        """Yield `advance(n=1, note="")`: a bar where stderr is a terminal, else a line every 10 s."""
        if sys.stderr.isatty():
            with _bar(total, what) as advance:
                yield advance
        else:
            yield _LogLines(total, what)


@contextmanager
def _bar(total: int, what: str) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=RichConsole(stderr=True)) as bar:
        task = bar.add_task(what, total=total, note="")

        def advance(n: int = 1, note: Optional[str] = None) -> None:
            bar.update(task, advance=n)
            if note is not None:
                bar.update(task, note=note)

        yield advance


class _LogLines:
    """Counts calls and prints `what: done/total note` at most every ten seconds, and at the end."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what = total, what
        self._done, self._note = 0, ""
        self._printed_s = time.monotonic()

    def __call__(self, n: int = 1, note: Optional[str] = None) -> None:
        self._done += n
        self._note = self._note if note is None else note
        now_s = time.monotonic()
        if self._done >= self._total or now_s - self._printed_s >= LOG_INTERVAL_S:
            self._printed_s = now_s
            print(
                f"{self._what}: {self._done}/{self._total} {self._note}".rstrip(), file=sys.stderr, flush=True
            )
