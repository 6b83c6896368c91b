"""The live WebSocket of the real server asks for what REST asks for, and ends when its key does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from edge_app.access.keys import Keys
from edge_app.access.principals import Role
from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import write_tiny_bundle

WRONG = "vi_" + "A" * 43


async def refused_with(served: Served, headers: dict[str, str]) -> int:
    with pytest.raises(InvalidStatus, match="server rejected WebSocket connection") as refused:
        async with connect(f"ws://127.0.0.1:{served.port}/api/v1/live", additional_headers=headers):
            pass
    return refused.value.response.status_code


async def drain(socket: ClientConnection) -> None:
    while True:
        await asyncio.wait_for(socket.recv(), 20)


async def until_closed(served: Served, secret: str, keys: Keys) -> int | None:
    headers = {"Authorization": f"Bearer {secret}"}
    async with connect(f"ws://127.0.0.1:{served.port}/api/v1/live", additional_headers=headers) as socket:
        await asyncio.wait_for(socket.recv(), 20)
        keys.revoke("line7")
        with pytest.raises(ConnectionClosed, match="the session ended"):
            await drain(socket)
        return socket.close_code


def test_the_websocket_asks_for_a_key_and_ends_with_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    keys = Keys(state)
    secret = keys.add("line7", Role.VIEWER)
    right = {"Authorization": f"Bearer {secret}"}
    with serving(write_tiny_bundle(tmp_path / "tiny.bundle"), "--require-key", state=state) as served:
        assert asyncio.run(refused_with(served, {})) == 403
        assert asyncio.run(refused_with(served, {"Authorization": f"Bearer {WRONG}"})) == 403
        assert asyncio.run(refused_with(served, {**right, "Origin": "http://evil.example"})) == 403
        assert asyncio.run(until_closed(served, secret, keys)) == 1008
        assert asyncio.run(refused_with(served, right)) == 403
