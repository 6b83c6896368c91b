"""One thread that does one job at a time behind a queue that can be full."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, TypeVar

from inspector.errors import InspectorError

ResultT = TypeVar("ResultT")


class BusyError(InspectorError):
    """The queue is full; the same call works again when a job has finished."""


class BoundedWorker:
    """Runs jobs in the order they came, one at a time; at most `queue_size` are waiting or running."""

    def __init__(self, queue_size: int) -> None:
        self._queue_size = queue_size
        self._lock = threading.Lock()
        self._num_pending = 0
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inspection")

    @property
    def num_pending(self) -> int:
        """How many jobs are waiting or running."""
        return self._num_pending

    def submit(self, job: Callable[[], ResultT]) -> "Future[ResultT]":
        """Queue `job` and return its future.

        Raises:
            BusyError: `queue_size` jobs are waiting or running.
        """
        with self._lock:
            if self._num_pending >= self._queue_size:
                raise BusyError(
                    f"the inspector is busy: {self._num_pending} images are waiting "
                    f"(limit {self._queue_size}); send this one again in a moment"
                )
            self._num_pending += 1
        try:
            future = self._executor.submit(job)
        except BaseException:
            self._release()
            raise
        future.add_done_callback(self._release)
        return future

    def close(self) -> None:
        """Finish the jobs that were taken, then stop."""
        self._executor.shutdown(wait=True)

    def _release(self, _future: Any = None) -> None:
        with self._lock:
            self._num_pending -= 1
