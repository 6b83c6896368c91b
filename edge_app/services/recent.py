"""The last results that are not on disk, kept in memory within a count and a number of bytes."""

import threading
from typing import Dict, Optional

from edge_app.services.result import Result


class RecentResults:
    """Keeps the newest results; the oldest go when there are too many or they are too large together."""

    def __init__(self, *, max_count: int, max_bytes: int) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._lock = threading.Lock()
        self._results: Dict[str, Result] = {}  # oldest first
        self._sizes: Dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._results)

    def add(self, result: Result) -> None:
        """Keep `result`, the newest; it stays even when it alone is over `max_bytes`."""
        num_bytes = num_bytes_of(result)
        with self._lock:
            self._results[result.id] = result
            self._sizes[result.id] = num_bytes
            self._num_bytes += num_bytes
            while len(self._results) > 1 and self._is_over():
                oldest = next(iter(self._results))
                del self._results[oldest]
                self._num_bytes -= self._sizes.pop(oldest)

    def discard(self, result_id: str) -> None:
        """Forget a result that is kept elsewhere."""
        with self._lock:
            if self._results.pop(result_id, None) is not None:
                self._num_bytes -= self._sizes.pop(result_id)

    def get(self, result_id: str) -> Optional[Result]:
        """Return the result, or None when it is unknown or no longer kept."""
        with self._lock:
            return self._results.get(result_id)

    def _is_over(self) -> bool:
        return len(self._results) > self._max_count or self._num_bytes > self._max_bytes


def num_bytes_of(result: Result) -> int:
    """How much memory a result holds."""
    num_bytes = result.photo.num_bytes
    if result.score is not None:
        num_bytes += int(result.score.nbytes)
    if result.judgement is not None:
        num_bytes += int(result.judgement.mask.nbytes)
    return num_bytes
