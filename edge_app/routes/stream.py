"""Long answers a batch at a time: bounded memory, few at once, and an end when the client has gone."""

import asyncio
import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import AsyncIterator, Callable, Generic, Iterator, List, Optional, Sequence, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from edge_app.services.bounded_worker import BusyError

logger = logging.getLogger(__name__)

ItemT = TypeVar("ItemT")

BATCH = 100
SEND_TIMEOUT_S = 30.0
IDLE_S = 5.0


class StreamSlots:
    """How many streams of a kind may run at once; each holds a thread."""

    def __init__(self, max_streams: int, *, kind: str) -> None:
        self._max_streams = max_streams
        self._kind = kind
        self._lock = threading.Lock()
        self._num_running = 0

    @property
    def num_running(self) -> int:
        """How many streams are being sent."""
        return self._num_running

    def take(self) -> None:
        """Take a slot.

        Raises:
            BusyError: all are taken.
        """
        with self._lock:
            if self._num_running >= self._max_streams:
                raise BusyError(
                    f"{self._num_running} {self._kind} run already (the limit); ask again when one has ended"
                )
            self._num_running += 1

    def give_back(self) -> None:
        """Let the next stream run."""
        with self._lock:
            self._num_running -= 1


async def was_taken(send: Send, part: object) -> bool:
    """Send a part of a body; False when the client takes nothing for `SEND_TIMEOUT_S`.

    The app then returns, and the server closes the connection: the client sees that the answer is not whole.
    """
    try:
        await asyncio.wait_for(
            send({"type": "http.response.body", "body": part, "more_body": True}), SEND_TIMEOUT_S
        )
    except asyncio.TimeoutError:
        logger.warning("a client took nothing of its answer for %.0f s and is given up", SEND_TIMEOUT_S)
        return False
    return True


class BatchedResponse(StreamingResponse):
    """Sends `encode(batch)` for batches of `items()`, which one thread opens, reads and closes.

    The answer breaks off, visibly for the client, when it takes nothing for `SEND_TIMEOUT_S`.

    Args:
        head: Sent first.
        while_waiting: What to send every `IDLE_S` while nothing is found, so that the client stays.
        on_end: Called as soon as the answer has ended or the client has gone.

    Raises:
        BusyError: too many streams are running.
    """

    def __init__(
        self,
        items: Callable[[], Iterator[ItemT]],
        encode: Callable[[Sequence[ItemT]], bytes],
        *,
        slots: StreamSlots,
        media_type: str,
        file_name: Optional[str] = None,
        head: bytes = b"",
        batch: int = BATCH,
        while_waiting: Optional[Callable[[], bytes]] = None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        slots.take()
        self._slots = slots
        self._head = head
        self._while_waiting = while_waiting
        self._on_end = on_end
        self._endings: List["Future[None]"] = []  # noqa: UP037 (Python 3.8 has no Future[...])
        self._reader = _Reader(items, encode, batch=batch)
        named = {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else {}
        super().__init__(self._chunks(), media_type=media_type, headers=named)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end()
            self._end()  # awaits nothing: the client may have gone, and then this task is being cancelled

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in self.body_iterator:
            if not await was_taken(send, chunk):
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _chunks(self) -> AsyncIterator[bytes]:
        if self._head:
            yield self._head
        while True:
            coming = asyncio.wrap_future(self._reader.next_chunk())
            while self._while_waiting is not None and not coming.done():
                await asyncio.wait({coming}, timeout=IDLE_S)
                if not coming.done():
                    yield self._while_waiting()
            chunk = await coming
            if not chunk:
                await asyncio.wrap_future(self._end())  # the slot is free before the client knows of the end
                return
            yield chunk

    def _end(self) -> "Future[None]":
        if not self._endings:
            self._endings.append(self._reader.close(then=self._slots.give_back))
        return self._endings[0]


class _Reader(Generic[ItemT]):
    """Runs an iterator in one thread: SQLite's connections stay with the thread that opened them."""

    def __init__(
        self,
        items: Callable[[], Iterator[ItemT]],
        encode: Callable[[Sequence[ItemT]], bytes],
        *,
        batch: int,
    ) -> None:
        self._open = items
        self._encode = encode
        self._batch = batch
        self._items: Optional[Iterator[ItemT]] = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stream")

    def next_chunk(self) -> "Future[bytes]":
        """Read and encode the next batch; the future gives nothing at the end."""
        return self._thread.submit(self._next_chunk)

    def close(self, *, then: Callable[[], None]) -> "Future[None]":
        """End the iterator, whatever comes of that call `then`, and end the thread; returns at once."""
        ending = self._thread.submit(self._close, then)
        self._thread.shutdown(wait=False)
        return ending

    def _next_chunk(self) -> bytes:
        if self._items is None:
            self._items = self._open()
        found = list(islice(self._items, self._batch))
        return self._encode(found) if found else b""

    def _close(self, then: Callable[[], None]) -> None:
        close = getattr(self._items, "close", None)  # generators have it, and must not wait for the collector
        try:
            if close is not None:
                close()
        finally:
            then()
