"""The thread that applies retention every minute and sweeps at the start and every hour."""

import logging
import threading
import time

from edge_app.store.retention import Retention
from edge_app.store.sweep import Sweep
from inspector.errors import InspectorError

logger = logging.getLogger(__name__)

RETENTION_S = 60.0
SWEEP_S = 3600.0


class Housekeeping:
    """Runs until `close`; an error is logged and the next round tries again."""

    def __init__(self, retention: Retention, sweep: Sweep) -> None:
        self._retention = retention
        self._sweep = sweep
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="store-housekeeping", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Apply retention now: space is short."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the step that is running."""
        self._is_closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        next_sweep_s = time.monotonic()
        while not self._is_closing:
            try:
                self._retention.run(is_stopping=lambda: self._is_closing)
                if time.monotonic() >= next_sweep_s:
                    next_sweep_s = time.monotonic() + SWEEP_S
                    self._sweep.run(is_stopping=lambda: self._is_closing)
            except (InspectorError, OSError) as error:
                logger.error("housekeeping: %s", error)
            except Exception:  # SQLite's own too: without this thread the disk would fill
                logger.exception("housekeeping")
            self._wake.wait(RETENTION_S)
            self._wake.clear()
