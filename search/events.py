"""The append-only event log of a run: one JSON object a line, readable after a kill at any moment.

A line is an event only when its newline is there: what a kill cut off is ignored by readers and removed by
the next writer. A resumed run may write the events of a step again; `latest` keeps the last one of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from inspector.errors import RunError, StorageError

Event = dict[str, Any]


class EventLog:
    """Appends events to `events.jsonl`; one process writes, any number may read meanwhile.

    Args:
        fsync: Also wait for the disk after every event, so that a power cut loses none.

    Raises:
        StorageError: the file cannot be opened or written.
    """

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._path, self._fsync = path, fsync
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            os.ftruncate(self._fd, _whole_lines(path.read_bytes()))
        except OSError as error:
            raise StorageError(f"cannot open the event log {path}: {error.strerror}") from error

    def write(self, kind: str, **fields: object) -> None:
        """Append one event; it gets `kind` and `time` (UTC, ISO 8601) and is in the file on return.

        Floats keep every bit (shortest `repr`); NaN and infinity are written as Python's json does.
        """
        event = dict(kind=kind, time=datetime.now(timezone.utc).isoformat(timespec="milliseconds"), **fields)
        line = json.dumps(event, separators=(",", ":"), ensure_ascii=False, default=_plain) + "\n"
        try:
            self._append(line.encode())
        except OSError as error:
            raise StorageError(
                f"cannot write to the event log {self._path}: {error.strerror}; "
                "make room and run the same command again"
            ) from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def read(path: Path) -> list[Event]:
        """Return all whole events in the order they were written; none when there is no file yet.

        Raises:
            RunError: a line before the last is not an event, so the file was changed by something else.
        """
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        lines = content[: _whole_lines(content)].split(b"\n")[:-1]
        return [_parse(line, where=f"{path}, line {number}") for number, line in enumerate(lines, start=1)]

    def _append(self, line: bytes) -> None:
        start = os.fstat(self._fd).st_size
        try:
            while line:  # a nearly full disk may take only a part of it at first
                line = line[os.write(self._fd, line) :]
        except OSError:
            os.ftruncate(self._fd, start)
            raise
        if self._fsync:
            os.fsync(self._fd)


def latest(events: Iterable[Event], kind: str, key: Sequence[str]) -> list[Event]:
    """Return the events of `kind`, only the last one for each value of the fields named in `key`.

    A kept event takes the place of the first one with its key; a field that an event lacks counts as None.

    >>> twice = [{"kind": "step", "step": 1, "loss": 0.5}, {"kind": "step", "step": 1, "loss": 0.25}]
    >>> [event["loss"] for event in latest(twice, "step", ["step"])]
    [0.25]
    """
    kept = {tuple(event.get(name) for name in key): event for event in events if event["kind"] == kind}
    return list(kept.values())


def _whole_lines(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def _parse(line: bytes, *, where: str) -> Event:
    try:
        event = json.loads(line)
    except ValueError as error:  # also bytes that are not UTF-8
        raise _damaged(where, line) from error
    if not isinstance(event, dict) or not isinstance(event.get("kind"), str):
        raise _damaged(where, line)
    return event


def _damaged(where: str, line: bytes) -> RunError:
    return RunError(
        f"{where}: not an event ({line[:40]!r}); the event log was damaged or edited: "
        "restore it from a copy or start a new run folder"
    )


def _plain(value: object) -> object:
    """Turn NumPy and torch scalars into Python numbers."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"an event cannot hold a {type(value).__name__}")
