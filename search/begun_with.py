"""A run goes on with what it was begun with, or not at all: the first event of a kind is held against now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspector.errors import RunError
from search.events import EventLog


def refuse_another(
    log: EventLog,
    events: Path,
    kind: str,
    fields: dict[str, Any],
    *,
    what: str,
    old: str,
    compared: Sequence[str] | None = None,
) -> None:
    """Note `fields` as what a run is begun with, or hold them against those that are noted in `events`.

    Args:
        what: Begins the sentence of the error, for example `the photos have`.
        old: What has to be brought back, for example `the old ones`.
        compared: The fields that must be the same; None: all.

    Raises:
        RunError: they differ.
    """
    begun = [event for event in EventLog.read(events) if event["kind"] == kind]
    if not begun:
        log.write(kind, **fields)
    elif any(begun[0].get(name) != fields[name] for name in compared or fields):
        raise RunError(
            f"{what} changed since {events.parent} was begun; bring {old} back, or use another --run folder"
        )
