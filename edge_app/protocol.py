"""HTTP/1.1 by uvicorn and httptools, with limits on what surrounds a body.

httptools itself collects headers, trailers and chunk extensions without end: 100 MB took 200 MB of memory.
"""

import asyncio
from ipaddress import ip_address
from typing import Optional

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_OVERHEAD_BYTES = 65_536
BODY_BYTES_PER_OVERHEAD_BYTE = 8  # chunks of a few hundred bytes and more pass, a byte a chunk does not
HEAD_TIMEOUT_S = 10.0
STUCK_TIMEOUT_S = 60.0
MAX_CONNECTIONS = 120
MAX_CONNECTIONS_PER_PEER = 48  # a browser opens 6; a reverse proxy on this machine is not counted
RETRY_AFTER_S = 2


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection that is one too many, whose headers are too slow, whose bytes outside the body are
    too many, or whose peer has taken nothing of its answer for a minute.

    A message's first read (up to 256 kB) is not counted: it may also hold the end of the message before.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._num_overhead = 0
        self._num_body = 0
        self._head_timer: Optional[asyncio.TimerHandle] = None
        self._stuck_timer: Optional[asyncio.TimerHandle] = None
        self._wait_for_head()
        too_many = self._too_many_connections()
        if too_many is not None:
            self._refuse(b"503 Service Unavailable", too_many, b"retry-after: %d\r\n" % RETRY_AFTER_S)

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._end_head()
        self._end_stuck()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._num_overhead += len(data)
        super().data_received(data)
        allowed = MAX_OVERHEAD_BYTES + self._num_body // BODY_BYTES_PER_OVERHEAD_BYTE
        if self._num_overhead > allowed and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", b"too many bytes outside the body")

    def on_message_begin(self) -> None:
        self._num_overhead = 0
        self._num_body = 0
        self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._num_overhead -= len(body)
        self._num_body += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._end_stuck()
        self._stuck_timer = self.loop.call_later(STUCK_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_stuck()
        super().resume_writing()

    def _too_many_connections(self) -> Optional[bytes]:
        if len(self.connections) > MAX_CONNECTIONS:
            return b"too many connections; try again later"
        peer = self.client[0] if self.client else ""
        if not peer or ip_address(peer.split("%")[0]).is_loopback:
            return None
        clients = (getattr(other, "client", None) for other in self.connections)
        num_own = sum(1 for client in clients if client is not None and client[0] == peer)
        return b"too many connections from this address" if num_own > MAX_CONNECTIONS_PER_PEER else None

    def _wait_for_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._on_slow_head)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_stuck(self) -> None:
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None

    def _on_slow_head(self) -> None:
        if not self.transport.is_closing():
            self._refuse(b"408 Request Timeout", b"the headers took too long")

    def _refuse(self, status: bytes, sentence: bytes, header: bytes = b"") -> None:
        is_answering = self.cycle is not None and self.cycle.response_started
        if not is_answering:
            body = b'{"detail":"' + sentence + b'"}'
            head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (
                status,
                len(body),
            )
            self.transport.write(head + header + b"connection: close\r\n\r\n" + body)
        self.transport.close()
