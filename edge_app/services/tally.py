"""What became of one camera's frames, counted."""

import logging
import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Optional

from edge_app.services.result import Outcome, Result

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StationStats:
    """What a station has done since its start. `age_ms`: the last inspected frame's, when inference began."""

    num_inspected: int = 0
    num_no_decision: int = 0
    num_failed: int = 0
    last_outcome: Optional[Outcome] = None
    last_error: str = ""
    age_ms: Optional[float] = None


class Tally:
    """Counts what became of one camera's frames. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stats = StationStats()

    @property
    def stats(self) -> StationStats:
        """The counts now."""
        return self._stats

    def note(self, error: str) -> None:
        """Keep what is wrong, though no frame came to harm."""
        with self._lock:
            self._stats = replace(self._stats, last_error=error[:300])

    def count(self, future: "Future[Any]") -> None:
        """Count an inspection whose future is done; without a frame there is nothing to count."""
        if future.cancelled():
            return
        error = future.exception()
        if error is not None:
            self.failed(str(error))
        elif future.result() is not None:
            self.finished(future.result())

    def failed(self, error: str) -> None:
        """Count a frame that got no result."""
        logger.error("an inspection failed: %s", error)
        with self._lock:
            self._stats = replace(self._stats, num_failed=self._stats.num_failed + 1, last_error=error[:300])

    def finished(self, result: Result) -> None:
        """Count a result."""
        with self._lock:
            self._stats = _counted(self._stats, result)


def _counted(stats: StationStats, result: Result) -> StationStats:
    if result.outcome is Outcome.NO_DECISION:
        return replace(stats, num_no_decision=stats.num_no_decision + 1, last_outcome=result.outcome)
    return replace(
        stats,
        num_inspected=stats.num_inspected + 1,
        last_outcome=result.outcome,
        age_ms=result.origin.frame_age_ms,
    )
