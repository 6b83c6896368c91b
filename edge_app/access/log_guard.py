"""What stands between the program and its log: secrets are taken out, a flood of one message is cut short."""

import logging
import time
from typing import Callable, Dict, Iterable, List, Tuple

from edge_app.access.redaction import RedactingFilter

MAX_ALIKE = 20
WINDOW_S = 60.0
_MAX_KINDS = 512

_Kind = Tuple[str, int, str]


class FloodFilter(logging.Filter):
    """Lets `MAX_ALIKE` records of one kind pass in a minute: whoever sends bad requests cannot fill the disk.

    The next one that passes says how many were left out.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._windows: Dict[_Kind, Tuple[float, int]] = {}  # begin, number so far

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.name, record.levelno, str(record.msg))
        now_s = self._clock()
        begin_s, num = self._windows.get(kind, (now_s, 0))
        if now_s - begin_s >= WINDOW_S:
            if num > MAX_ALIKE:
                record.msg = f"{record.msg} ({num - MAX_ALIKE} more like this were left out)"
            begin_s, num = now_s, 0
        if len(self._windows) >= _MAX_KINDS and kind not in self._windows:
            self._windows.clear()
        self._windows[kind] = (begin_s, num + 1)
        return num < MAX_ALIKE


def guard_logs(loggers: Iterable[str] = ("", "uvicorn", "uvicorn.error", "uvicorn.access")) -> None:
    """Guard every handler that there is now; call it once logging has been set up, again after it changed."""
    handlers: List[logging.Handler] = [h for name in loggers for h in logging.getLogger(name).handlers]
    if logging.lastResort is not None:
        handlers.append(logging.lastResort)
    for handler in handlers:
        if not any(isinstance(known, RedactingFilter) for known in handler.filters):
            handler.addFilter(FloodFilter())
            handler.addFilter(RedactingFilter())
