"""One thread that does one job at a time, lane by lane in turn, behind queues that can be full."""

import threading
from collections import Counter, deque
from concurrent.futures import Future
from typing import Any, Callable, Deque, Dict, Tuple, TypeVar, cast

from inspector.errors import InspectorError

ResultT = TypeVar("ResultT")
_Job = Tuple["Future[Any]", Callable[[], Any]]

REST_LANE = "rest"


class BusyError(InspectorError):
    """The queue is full; the same call works again when a job has finished."""


class Admission:
    """Counts who is inside and refuses who would be one too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._num_inside = 0

    @property
    def num_inside(self) -> int:
        """How many are inside."""
        return self._num_inside

    def enter(self) -> None:
        """Go in; BusyError when `limit` are inside."""
        with self._lock:
            if self._num_inside >= self._limit:
                raise BusyError(
                    f"the inspector is busy: {self._num_inside} images are waiting "
                    f"(limit {self._limit}); send this one again in a moment"
                )
            self._num_inside += 1

    def leave(self) -> None:
        """Go out."""
        with self._lock:
            self._num_inside -= 1


class BoundedWorker:
    """Runs jobs one at a time: within a lane in the order they came, lanes in turn.

    A lane that floods its queue gets no more than its turn. At most `queue_size` jobs of a lane are waiting
    or running.
    """

    def __init__(self, queue_size: int, *, name: str = "inspection") -> None:
        self._queue_size = queue_size
        self._condition = threading.Condition()
        self._lanes: Dict[str, Deque[_Job]] = {}  # only lanes with jobs, next turn first
        self._num_pending: Dict[str, int] = Counter()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def num_pending(self) -> int:
        """How many jobs are waiting or running."""
        with self._condition:
            return sum(self._num_pending.values())

    def submit(self, job: Callable[[], ResultT], *, lane: str = REST_LANE) -> "Future[ResultT]":
        """Queue `job` and return its future.

        Raises:
            BusyError: `queue_size` jobs of the lane are waiting or running, or the worker is closed.
        """
        future = cast("Future[ResultT]", Future())
        with self._condition:
            if self._is_closed:
                raise BusyError("the inspector is stopping; send this image again when it has started")
            if self._num_pending[lane] >= self._queue_size:
                raise BusyError(
                    f"the inspector is busy: {self._num_pending[lane]} images are waiting "
                    f"(limit {self._queue_size}); send this one again in a moment"
                )
            self._num_pending[lane] += 1
            self._lanes.setdefault(lane, deque()).append((future, job))
            self._condition.notify()
        future.add_done_callback(lambda _: self._release(lane))
        return future

    def close(self) -> None:
        """Finish the jobs that were taken, then stop."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._lanes and not self._is_closed:
                    self._condition.wait()
                if not self._lanes:
                    return
                future, job = self._take_turn()
            if future.set_running_or_notify_cancel():
                _do(job, future)
            del future, job  # or they would keep the last photo until the next one comes

    def _take_turn(self) -> _Job:
        lane = next(iter(self._lanes))
        jobs = self._lanes.pop(lane)
        taken = jobs.popleft()
        if jobs:
            self._lanes[lane] = jobs  # to the end: the others come first
        return taken

    def _release(self, lane: str) -> None:
        with self._condition:
            self._num_pending[lane] -= 1
            if not self._num_pending[lane]:
                del self._num_pending[lane]


def _do(job: Callable[[], Any], future: "Future[Any]") -> None:
    try:
        result = job()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
