"""The whole server: photos go in over REST, messages come out at the broker, the gate moves."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.edge_app.outbox.broker import Broker, Subscriber, free_port, in_order_without_repeats
from tests.edge_app.outbox.parts import FAST, wait_until
from tests.edge_app.outbox.plc import PlcServer
from tests.edge_app.serving import Served, serving
from tests.tiny_bundle import write_tiny_bundle

OUTCOMES = ("PASS", "REVIEW", "FAIL", "NO_DECISION")


def inspect(served: Served, value: int) -> str:
    """Post a grey photo and return the id of its result, which is stored then."""
    photo = cv2.imencode(".png", np.full((40, 48, 3), value, np.uint8))[1].tobytes()
    request = urllib.request.Request(
        f"{served.url}/api/v1/inspections", photo, {"Content-Type": "image/png"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        answer: dict[str, Any] = json.load(response)
    return str(answer["id"])


def test_results_of_a_killed_server_reach_a_broker_that_was_away(tmp_path: Path) -> None:
    bundle, state = write_tiny_bundle(tmp_path / "part.bundle"), tmp_path / "state"
    state.mkdir()
    broker = Broker(tmp_path)
    plc = PlcServer(free_port())
    gate = {"kind": "modbus", "name": "gate", "host": "127.0.0.1", "port": plc.port, "coil": 3}
    plant = {"kind": "mqtt", "name": "plant", "host": "127.0.0.1", "port": broker.port, **FAST}
    settings = {
        "device_id": "nano-7",
        "destinations": [plant, {**gate, "reject": list(OUTCOMES), "max_late_ms": 9000}],
    }
    (state / "settings.json").write_text(json.dumps(settings))
    with plc, serving(bundle, state=state) as served:
        ids = [inspect(served, 10 * number) for number in range(5)]
        wait_until(lambda: plc.changes(3)[-2:] == [True, False], "the gate's pulse")
        served.process.kill()
        served.process.wait(10)
    with broker, Subscriber(broker.port) as subscriber, serving(None, state=state) as served:
        ids += [inspect(served, 200 + number) for number in range(3)]
        wait_until(lambda: len(set(subscriber.ids)) == 8, "all messages")
    assert in_order_without_repeats(subscriber.ids) == [f"nano-7:{number}" for number in range(1, 9)]
    results = {message["id"]: message["result"]["id"] for message in subscriber.received}
    assert [results[f"nano-7:{number}"] for number in range(1, 9)] == ids
