"""Measurements that a killed benchmark goes on from: one JSON file, written after each of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspector.output_file import write_file


class Kept:
    """Remembers what was measured in `path`; delete the file to measure again. None: remembers nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._measured: dict[str, Any] = {}
        if path is not None and path.exists():
            self._measured = json.loads(path.read_text())

    def once(self, name: str, measure: Callable[[], Any]) -> Any:
        """Return what was measured under `name`, or measure it now; plain values for JSON."""
        if name not in self._measured:
            self._measured[name] = measure()
            if self._path is not None:
                write_file(self._path, json.dumps(self._measured).encode())
        return self._measured[name]
