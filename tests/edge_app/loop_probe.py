"""Watches a server's event loop from inside its process, and writes what it saw when the server stops.

A block is counted in the loop thread's own CPU time between two ticks, not in wall time: what other processes
take from a busy machine is not the server's. What waits without using the CPU is seen another way: files,
databases, names and programs that the loop thread opens while it serves are listed (PEP 578). SIGUSR1 begins
the watch, after the first requests: these import what the frameworks import late.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

TICK_S = 0.005
BLOCK_S = 0.050
WAITING_EVENTS = ("open", "sqlite3.connect", "socket.getaddrinfo", "subprocess.Popen", "time.sleep")


class LoopProbe:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop_thread = 0
        self.num_ticks = 0
        self.blocks_ms: list[float] = []
        self.longest_ms = 0.0
        self.waited: list[str] = []

    def start(self, loop: Any) -> None:
        self._loop_thread = threading.get_ident()
        self._loop, self._before_s = loop, time.thread_time()
        loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        used_s = time.thread_time() - self._before_s
        self.longest_ms = max(self.longest_ms, used_s * 1e3)
        if used_s >= BLOCK_S:
            self.blocks_ms.append(used_s * 1e3)
        self.num_ticks += 1
        self._before_s = time.thread_time()
        self._loop.call_later(TICK_S, self._tick)

    def on_event(self, event: str, arguments: Any) -> None:
        if event not in WAITING_EVENTS or threading.get_ident() != self._loop_thread:
            return
        # Newer FastAPI reads each endpoint's source once, for its error messages.
        if not (event == "open" and str(arguments[0]).endswith((".py", ".pyc"))):
            self.waited.append(f"{event} {arguments[:1]!r}"[:200])

    def stop(self) -> None:
        self._loop_thread = 0
        seen = {
            "num_ticks": self.num_ticks,
            "blocks_ms": self.blocks_ms,
            "longest_ms": self.longest_ms,
            "waited": sorted(set(self.waited)),
        }
        self._path.write_text(json.dumps(seen))


def install(path: str) -> None:
    """Probe the one server that this process will run; `path` gets the report."""
    probe = LoopProbe(Path(path))
    startup, shutdown = uvicorn.Server.startup, uvicorn.Server.shutdown

    async def probed_startup(self: uvicorn.Server, *arguments: Any, **options: Any) -> None:
        await startup(self, *arguments, **options)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, probe.start, loop)

    async def probed_shutdown(self: uvicorn.Server, *arguments: Any, **options: Any) -> None:
        probe.stop()
        await shutdown(self, *arguments, **options)

    uvicorn.Server.startup = probed_startup  # type: ignore[method-assign]
    uvicorn.Server.shutdown = probed_shutdown  # type: ignore[method-assign]
    sys.addaudithook(probe.on_event)
