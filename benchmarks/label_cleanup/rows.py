"""Rows of a benchmark that takes long: each is kept when it is done and never measured again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspector.output_file import write_file

Figures = Mapping[str, Any]


def measured(
    folder: Path, todo: Mapping[str, Callable[[], Figures]], *, say: Callable[[str], None]
) -> dict[str, Figures]:
    """Measure every row that has no file yet, in order, and return all of them."""
    found: dict[str, Figures] = {}
    for name, measure in todo.items():
        path = folder / "rows" / f"{name}.json"
        if not path.exists():
            write_file(path, json.dumps(measure(), indent=1).encode())
        found[name] = json.loads(path.read_text())
        say(f"{name}: {found[name]}")
    return found


def mean_of(rows: Sequence[Figures], key: str) -> float:
    """Return the mean of a figure over rows."""
    return sum(float(row[key]) for row in rows) / len(rows)
