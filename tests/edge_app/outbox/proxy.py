"""A TCP proxy that misbehaves: between a client and a server, in a thread of its own.

Modes: pass, delay (50 ms each way), reset (connections are reset as soon as they carry data), swallow (a
black hole: nothing gets through either way), deaf (half a connection: the server's answers are lost), refuse
(a connection is closed at once).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading

DELAY_S = 0.05


class Proxy:
    def __init__(self, target_port: int) -> None:
        self.mode = "pass"
        self.num_connections = 0
        self.num_blocked = 0  # pieces of data that a bad mode met
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def cut(self) -> None:
        """End all connections."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _shut(self) -> None:
        self._server.close()
        await self._cut()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.num_connections += 1
        if self.mode == "refuse":
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._writers |= {writer, back}
            await asyncio.gather(
                self._pump(reader, back, writer, is_answer=False),
                self._pump(there, writer, writer, is_answer=True),
            )
        self._writers.discard(writer)
        writer.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        client: asyncio.StreamWriter,
        *,
        is_answer: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                mode = self.mode
                if mode == "delay":
                    await asyncio.sleep(DELAY_S)
                if mode == "reset":
                    self.num_blocked += 1
                    _reset(client)
                    break
                if mode == "swallow" or (mode == "deaf" and is_answer):
                    self.num_blocked += 1
                    continue
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._writers.discard(sink)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    line = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
