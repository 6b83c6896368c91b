"""Consecutive model parallelism (CMP): the passes for A and for w follow each other through the partitions.

Source: [D] Sec. 3.2.2, Fig. 3.1 (right), Algorithm 1.
Differs from the source: backward passes run in the partition's own thread, where [D]'s main thread runs them
and its GPU is the fullest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from types import TracebackType

from search.cmp.clock import Task, needs, ticks
from search.cmp.mixture import Mixture
from search.cmp.parcel import Parcel
from search.cmp.partition import Partition
from search.cmp.passes import Batch, Criterion, Losses, Passes, Span
from search.cmp.worker import Worker


class _NeighbourFailedError(Exception):
    """The task that this one needs has failed: it is that one's error that counts."""


class ConsecutiveParallel:
    """Runs every partition in a thread of its own, in the order of `clock.ticks`. Use it in a `with` block.

    Args:
        num_threads: Of one operation on a CPU partition.
    """

    def __init__(
        self, partitions: Sequence[Partition], criterion: Criterion, *, num_threads: int = 1
    ) -> None:
        self.partitions = list(partitions)
        self._criterion = criterion
        self._tasks = [task for tick in ticks(len(self.partitions)) for task in tick]
        self._workers = [
            Worker(f"partition-{one.index}", one.device, num_threads=num_threads) for one in self.partitions
        ]
        self.spans: Mapping[Task, Span] = {}

    def gradients(self, *, train: Batch, valid: Batch, mixture: Mixture) -> Losses:
        passes = Passes(self.partitions, self._criterion, train=train, valid=valid, mixture=mixture)
        for worker in self._workers:
            worker.follow_caller()
        futures: dict[Task, Future[Parcel]] = {}
        try:
            # A task is queued behind the one that it needs: no worker ever waits for what never comes.
            for task in self._tasks:
                before = needs(task, num_partitions=len(self.partitions))
                sent = None if before is None else futures[before]
                futures[task] = self._workers[task.partition].submit(partial(_run, passes, task, sent))
            wait(futures.values())
        except BaseException:  # interrupted: no worker may go on with this step
            for future in futures.values():
                future.cancel()
            raise
        for worker in self._workers:
            worker.lead_caller()
        _raise_first_error(futures)
        self.spans = passes.spans
        return passes.finish()

    def close(self) -> None:
        """End the threads, each behind the task that it is in."""
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> ConsecutiveParallel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _run(passes: Passes, task: Task, sent: Future[Parcel] | None) -> Parcel:
    try:
        received = None if sent is None else sent.result()
    except (Exception, CancelledError) as error:
        raise _NeighbourFailedError from error
    return passes.run(task, received)


def _raise_first_error(futures: Mapping[Task, Future[Parcel]]) -> None:
    for future in futures.values():
        error = future.exception()
        if error is not None and not isinstance(error, _NeighbourFailedError):
            raise error
