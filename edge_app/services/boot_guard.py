"""Whether a model keeps killing the server: three crashes within five minutes, and the previous one serves.

A start is written down before the model is loaded and struck off when the server stops in good order or has
run for five minutes; what is still there at the next start was a crash. Times come from the wall clock,
which on a board without a battery may be set back: a start in the future counts as recent.

Source: facts/edge_reliability.md, section 5.
"""

import threading
import time
from pathlib import Path
from typing import Callable, Optional, Tuple

from pydantic import ValidationError

from edge_app.services.synced_files import replace_synced, storage_errors
from inspector.manifest import Record

MAX_CRASHES = 3
WINDOW_MS = 5 * 60 * 1000


class BootHistory(Record):
    """When the server was started with `digest` and did not stop in good order, oldest first."""

    digest: Optional[str] = None
    starts_ms: Tuple[int, ...] = ()


def crashes(history: BootHistory, *, digest: str, now_ms: int) -> int:
    """Return how many starts with `digest` ended in a crash within the last five minutes."""
    if history.digest != digest:
        return 0
    return sum(1 for start_ms in history.starts_ms if now_ms - start_ms < WINDOW_MS)


def is_boot_loop(history: BootHistory, *, digest: str, now_ms: int) -> bool:
    """Say whether `digest` must not be started again."""
    return crashes(history, digest=digest, now_ms=now_ms) >= MAX_CRASHES


def with_start(history: BootHistory, *, digest: str, now_ms: int) -> BootHistory:
    """Return the history with one more start; those of other models and the outdated ones are dropped."""
    earlier = history.starts_ms if history.digest == digest else ()
    recent = tuple(start_ms for start_ms in earlier if now_ms - start_ms < WINDOW_MS)
    return BootHistory(digest=digest, starts_ms=(*recent, now_ms)[-MAX_CRASHES:])


class BootGuard:
    """Keeps the history in a small file. A damaged file counts as no crash: it must not stop the server."""

    def __init__(self, path: Path, *, now_s: Callable[[], float] = time.time) -> None:
        self._path, self._now_s = path, now_s

    def must_not_start(self, digest: str) -> bool:
        """Say whether the last starts with `digest` were a boot loop."""
        return is_boot_loop(self._read(), digest=digest, now_ms=self._now_ms())

    def started(self, digest: str) -> None:
        """Write down a start, or an activation, of `digest`. StorageError where that fails."""
        self._write(with_start(self._read(), digest=digest, now_ms=self._now_ms()))

    def is_well(self) -> None:
        """Strike off all starts: the server stops in good order or has run long enough."""
        self._write(BootHistory())

    def _now_ms(self) -> int:
        return int(self._now_s() * 1000)

    def _read(self) -> BootHistory:
        try:
            return BootHistory.model_validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            return BootHistory()

    def _write(self, history: BootHistory) -> None:
        with storage_errors(self._path):
            replace_synced(self._path, history.to_json())


class Countdown:
    """Calls `then` when the server has run for `after_s` seconds since the last restart of the countdown."""

    def __init__(self, after_s: float, then: Callable[[], None]) -> None:
        self._after_s, self._then = after_s, then
        self._timer: Optional[threading.Timer] = None

    def restart(self) -> None:
        """Begin to count, or begin again."""
        self.stop()
        self._timer = threading.Timer(self._after_s, self._then)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Do not call any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
