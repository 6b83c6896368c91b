"""`inspector replay`: which verdicts would change under other thresholds, or with another model."""

import csv
import time
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import typer

from edge_app.services.give_way import lower_priority
from edge_app.services.replay import (
    JudgeAgain,
    ReplayCounts,
    VerdictChange,
    by_model,
    replay,
    under_thresholds,
)
from edge_app.services.serving import LoadedModel
from edge_app.services.threshold_override import ThresholdOverride
from edge_app.startup import load_model
from edge_app.store.filters import ResultFilter
from edge_app.store.read_only import ReadOnlyStore
from inspector.console import Console
from inspector.errors import InputError, StorageError

SHOWN = 1000  # changes that --json lists; --out has them all
LOG_INTERVAL_S = 10.0
COLUMNS = ("time", "source", "lot", "before", "after", "score_before", "score_after", "id")

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, help="Judge stored results again and list what changes."
)


@app.command(name="replay")
def replay_verb(
    state: Path = typer.Argument(..., metavar="STATE", help="The folder of `inspector serve --state`."),
    bundle: Optional[Path] = typer.Option(None, help="Score the stored photos again with this bundle."),
    fail: Optional[float] = typer.Option(None, min=0, max=1, help="Another fail threshold."),
    review: Optional[float] = typer.Option(None, min=0, max=1, help="Another review threshold."),
    min_area_px: Optional[int] = typer.Option(None, "--min-area", min=1, help="Another minimum area."),
    since: Optional[datetime] = typer.Option(None, "--from", help="From this time on, UTC."),
    until: Optional[datetime] = typer.Option(None, "--to", help="Before this time, UTC."),
    lot: Optional[str] = typer.Option(None, help="Only this lot."),
    source: Optional[List[str]] = typer.Option(None, help="Only this camera, or `rest`; several times."),
    out: Optional[Path] = typer.Option(None, "--out", help="Write every change to this CSV file."),
    threads: Optional[int] = typer.Option(1, min=1, help="CPU threads of the network."),
    json_output: bool = typer.Option(False, "--json", help="Print one JSON object on stdout."),
) -> None:
    """Judge the results in STATE again, and list those whose verdict changes, with lot and time.

    Without --bundle the stored score maps are judged again under other thresholds: exact, no network runs.
    Nothing in STATE is changed, and a server may be running on it.

    Example: inspector replay /var/lib/visual-inspector --fail 0.6 --from 2026-11-01
    """
    console = Console(json_output=json_output)
    override = ThresholdOverride(fail=fail, review=review, min_area_px=min_area_px)
    if bundle is None and override == ThresholdOverride():
        raise InputError("there is nothing to replay: give --bundle, or a threshold such as --fail 0.6")
    lower_priority()
    wanted = ResultFilter(
        from_ms=_ms(since), to_ms=_ms(until), lot=lot, sources=tuple(source) if source else None
    )
    store = ReadOnlyStore(state)
    counts = ReplayCounts()
    shown: List[Dict[str, Any]] = []
    with ExitStack() as stack:
        stack.callback(store.close)
        write = _csv_writer(out, stack)
        judge_again = _judge_again(store, bundle, override, threads=threads)
        console.say(f"{'time (UTC)':<20} {'lot':<16} {'change':<18} {'score':>15}  id")
        for change in replay(store.iterate(wanted), judge_again, counts, give_way=_LogLines(console, counts)):
            console.say(_line(change))
            write(change)
            if len(shown) < SHOWN:
                shown.append(_record(change))
    console.say(_summary(counts))
    console.result({**_totals(counts), "changes": shown, "out": None if out is None else str(out)})


def _judge_again(
    store: ReadOnlyStore, bundle: Optional[Path], override: ThresholdOverride, *, threads: Optional[int]
) -> JudgeAgain:
    if bundle is None:
        return under_thresholds(store, override)
    runner, card = load_model(bundle, threads=threads)
    set_here = store.current_thresholds(card.digest)
    own = card.thresholds if set_here is None else set_here.thresholds
    return by_model(store, LoadedModel(runner, card), thresholds=override.apply(own))


class _LogLines:
    """Says every ten seconds how far the replay is; never ends it."""

    def __init__(self, console: Console, counts: ReplayCounts) -> None:
        self._console, self._counts = console, counts
        self._said_s = time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self._said_s >= LOG_INTERVAL_S:
            self._said_s = time.monotonic()
            self._console.say(f"... {self._counts.num_seen} results, {self._counts.num_changed} would change")
        return True


def _csv_writer(path: Optional[Path], stack: ExitStack) -> Callable[[VerdictChange], None]:
    if path is None:
        return lambda change: None
    try:
        file = stack.enter_context(path.open("w", newline="", encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}; choose another file") from error
    table = csv.DictWriter(file, COLUMNS)
    table.writeheader()
    return lambda change: table.writerow(_record(change))


def _record(change: VerdictChange) -> Dict[str, Any]:
    return {
        "time": _time(change.created_ms),
        "source": change.source,
        "lot": change.lot,
        "before": change.before.value,
        "after": change.after.value,
        "score_before": change.score_before,
        "score_after": change.score_after,
        "id": change.id,
    }


def _line(change: VerdictChange) -> str:
    before = "-" if change.score_before is None else f"{change.score_before:.3f}"
    verdicts = f"{change.before.value} -> {change.after.value}"
    scores = f"{before} -> {change.score_after:.3f}"
    return f"{_time(change.created_ms)[:19]:<20} {change.lot:<16} {verdicts:<18} {scores:>15}  {change.id}"


def _totals(counts: ReplayCounts) -> Dict[str, Any]:
    return {
        "num_seen": counts.num_seen,
        "num_judged": counts.num_judged,
        "num_changed": counts.num_changed,
        "num_skipped": counts.num_skipped,
        "num_without_file": counts.num_without_file,
        "num_unreadable": counts.num_unreadable,
        "changed": [
            {"before": before.value, "after": after.value, "num": num}
            for (before, after), num in sorted(counts.changed.items())
        ],
    }


def _summary(counts: ReplayCounts) -> str:
    changes = ", ".join(
        f"{num} {before.value} -> {after.value}" for (before, after), num in sorted(counts.changed.items())
    )
    left_out = counts.num_without_file + counts.num_unreadable
    return (
        f"{counts.num_judged} of {counts.num_seen} results judged again: {counts.num_changed} verdicts would "
        f"change{f' ({changes})' if changes else ''}"
        f"{f'; {left_out} have no file that can be used' if left_out else ''}"
        f"{f'; {counts.num_skipped} had no verdict' if counts.num_skipped else ''}"
    )


def _ms(when: Optional[datetime]) -> Optional[int]:
    return None if when is None else int(when.replace(tzinfo=timezone.utc).timestamp() * 1000)


def _time(ms: int) -> str:
    when = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
