"""The plant's broker, mosquitto, and who listens there."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks.soak.books import Delivery

START_LIMIT_S = 10.0
_CONFIG = "listener {port} 127.0.0.1\nuser root\nallow_anonymous true\nmax_queued_messages 0\n"


class Plant:
    """A broker on a free port and a subscriber that writes down every message."""

    def __init__(self, program: str, folder: Path) -> None:
        """Start both; raises TimeoutError where the broker does not listen."""
        self.deliveries: list[Delivery] = []
        self.port = _free_port()
        config = folder / "mosquitto.conf"
        config.write_text(_CONFIG.format(port=self.port))
        self._process = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for(self.port)
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _client, _data, message: self._take(json.loads(message.payload))
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        if not subscribed.wait(START_LIMIT_S):
            raise TimeoutError("mosquitto took no subscription")

    @classmethod
    def started(cls, folder: Path) -> Plant | None:
        """Return one, or None where mosquitto is not installed."""
        program = shutil.which("mosquitto")
        return None if program is None else cls(program, folder)

    def destination(self) -> dict[str, Any]:
        """Return what settings.json says of it."""
        return {"kind": "mqtt", "name": "plant", "host": "127.0.0.1", "port": self.port}

    def close(self) -> None:
        """End both."""
        self._client.disconnect()
        self._client.loop_stop()
        self._process.terminate()
        self._process.wait(10)

    def _take(self, message: dict[str, Any]) -> None:
        result = message["result"]["id"] if message["type"] == "result" else None
        self.deliveries.append(Delivery(message["id"], result))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    end_s = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"mosquitto does not listen on port {port}")
