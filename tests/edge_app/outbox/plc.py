"""pymodbus's own server as a PLC, on a free port, which notes every coil that is written."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest


class PlcServer:
    """16 coils of unit 1 from address 0."""

    def __init__(self, port: int) -> None:
        pytest.importorskip("pymodbus", reason="pymodbus is not installed: pip install pymodbus")
        self.port = port
        self.writes: list[tuple[int, bool]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> PlcServer:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(self._done.set)
            self._thread.join(10)

    def coil(self, address: int) -> list[bool]:
        """What a coil was set to, one after another."""
        return [value for written, value in list(self.writes) if written == address]

    def changes(self, address: int) -> list[bool]:
        """The same without repeats of a state."""
        values = self.coil(address)
        return [value for index, value in enumerate(values) if index == 0 or values[index - 1] != value]

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        from pymodbus.server import ModbusTcpServer
        from pymodbus.simulator import DataType, SimData, SimDevice

        self._done = asyncio.Event()
        coils = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        others = [SimData(0, values=[0], datatype=DataType.REGISTERS)]
        device = SimDevice(
            id=1, simdata=(coils, [SimData(0, values=[False] * 16, datatype=DataType.BITS)], others, others)
        )
        server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_pdu=self._note)
        await server.serve_forever(background=True)
        self._loop = asyncio.get_running_loop()
        ready.set()
        await self._done.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]

    def _note(self, sending: bool, pdu: Any) -> Any:
        if not sending and type(pdu).__name__ == "WriteSingleCoilRequest":
            self.writes.append((pdu.address, bool(pdu.bits[0])))
        return pdu
