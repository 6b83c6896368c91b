"""A socket for http.client with one deadline a request: a receiver that drips cannot hold the queue."""

import contextlib
import io
import socket
import time
from typing import Any


class DeadlineSocket:
    """The part of a socket that http.client uses. `close` is left to `end`: a response may still be read."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._end_s = 0.0

    def allow(self, seconds: float) -> None:
        """Begin a request: from now on, sending and reading take at most `seconds` together."""
        self._end_s = time.monotonic() + seconds

    def sendall(self, data: bytes) -> None:
        """Send all of `data`.

        Raises:
            OSError: the time is over or the connection is lost.
        """
        self.arm().sendall(data)

    def makefile(self, mode: str, *_args: Any) -> io.BufferedReader:
        """Return the stream of what arrives."""
        return io.BufferedReader(_Incoming(self))

    def arm(self) -> socket.socket:
        """Return the socket, its time limit set to what is left."""
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise socket.timeout("the time for this request is over")
        self._line.settimeout(left_s)
        return self._line

    def close(self) -> None:
        """Leave the connection open: http.client closes it before the response was read."""

    def end(self) -> None:
        """Close the connection; whoever waits for it gets an OSError or the end of the stream."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._line, socket.SHUT_RDWR)
        self._line.close()


class _Incoming(io.RawIOBase):
    def __init__(self, source: DeadlineSocket) -> None:
        super().__init__()
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._source.arm().recv_into(buffer)
