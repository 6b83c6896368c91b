"""The thread of one partition: it does one task after another, on the partition's device and stream.

Source: [D] Sec. 3.3.2: each device has a thread of its own, without which nothing overlaps.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeVar

import torch

Answer = TypeVar("Answer")
_IDLE_S = 0.2  # how long a worker without a task may outlive the main thread


class Worker:
    """A thread and its queue. A worker that nobody closes ends with the main thread.

    No ThreadPoolExecutor: where Ctrl-C arrives while it starts its thread, it forgets the thread, and the
    interpreter then waits for it for ever.

    Args:
        num_threads: Threads of one operation, where the device is the CPU. Torch takes it over for threads
            that other code starts later; threads that run already keep theirs.
    """

    def __init__(self, name: str, device: torch.device, *, num_threads: int = 1) -> None:
        self._device = device
        self._num_threads = num_threads
        self._stream = _new_stream(device) if device.type == "cuda" else None
        self._tasks: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def submit(self, task: Callable[[], Answer]) -> Future[Answer]:
        """Queue a task; its errors are those of the future."""
        future: Future[Answer] = Future()
        self._tasks.put((future, task))
        return future

    def follow_caller(self) -> None:
        """Let the stream wait for what the caller has queued on the device: batches, an optimiser's step."""
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))

    def lead_caller(self) -> None:
        """Let what the caller queues from now on wait for the stream."""
        if self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def close(self) -> None:
        """End the thread behind the task that it is in; tasks in the queue are cancelled."""
        with suppress(queue.Empty):
            while True:
                waiting = self._tasks.get_nowait()
                if waiting is not None:
                    waiting[0].cancel()
        self._tasks.put(None)
        self._thread.join()

    def _work(self) -> None:
        if self._device.type == "cpu":
            torch.set_num_threads(self._num_threads)
        while True:
            try:
                next_one = self._tasks.get(timeout=_IDLE_S)
            except queue.Empty:
                if not threading.main_thread().is_alive():
                    return
                continue
            if next_one is None:
                return
            future, task = next_one
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._on_device(task))
            except BaseException as error:
                future.set_exception(error)

    def _on_device(self, task: Callable[[], Answer]) -> Answer:
        if self._stream is None:
            return task()
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            return task()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _new_stream(device: torch.device) -> torch.cuda.Stream:
    stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    return stream
