"""Triggers over the real mosquitto: each message once, none that is old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import paho.mqtt.publish as publish
import pytest

from edge_app.cameras import mqtt_trigger
from edge_app.cameras.mqtt_trigger import MqttTrigger, lot_of
from edge_app.services.camera import MqttTriggerSettings
from inspector.errors import InputError
from tests.edge_app.cameras.fakes import eventually
from tests.edge_app.outbox.broker import Broker


@pytest.mark.parametrize(
    ("payload", "lot"),
    [
        (b'{"lot": "A7"}', "A7"),
        (b'{"lot": 7}', ""),
        (b"[1]", ""),
        (b"", ""),
        (b"part 7", ""),
        (b"\xff\xfe", ""),
        (b'{"lot": "' + b"x" * 500 + b'"}', "x" * 100),
        (b'{"lot": "' + b"x" * 5000 + b'"}', ""),
        (b"[" * 4000, ""),
    ],
)
def test_lot_of(payload: bytes, lot: str) -> None:
    assert lot_of(payload) == lot


def send(broker: Broker, payload: str, *, topic: str = "line/1", retain: bool = False) -> None:
    publish.single(topic, payload, qos=1, retain=retain, hostname="127.0.0.1", port=broker.port)


def listener(broker: Broker, on_trigger: Callable[[str], None]) -> MqttTrigger:
    settings = MqttTriggerSettings(host="127.0.0.1", port=broker.port, topic="line/1")
    return MqttTrigger(settings, on_trigger, client_id="visual-inspector-test")


def test_each_message_is_one_trigger_and_a_retained_one_is_none(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        lots: list[str] = []
        send(broker, '{"lot": "old"}', retain=True)
        trigger = listener(broker, lots.append)
        trigger.start()
        eventually(lambda: trigger.is_connected)
        for number in range(3):
            eventually(lambda: _reached(broker, lots, "probe"), what="the subscription")
            send(broker, f'{{"lot": "{number}"}}')
        send(broker, "", topic="line/2")
        send(broker, "")
        eventually(lambda: lots[-1:] == [""])
        trigger.stop()
    assert [lot for lot in lots if lot != "probe"] == ["0", "1", "2", ""]


def _reached(broker: Broker, lots: list[str], word: str) -> bool:
    """Subscribing takes a moment after connecting: ask until a message comes through."""
    if word not in lots:
        send(broker, f'{{"lot": "{word}"}}')
    return word in lots


def test_a_broker_that_was_killed_is_connected_to_again_and_an_error_ends_nothing(tmp_path: Path) -> None:
    lots: list[str] = []

    def refuses(lot: str) -> None:
        lots.append(lot)
        raise InputError("8 triggers are waiting")

    with Broker(tmp_path) as broker:
        trigger = listener(broker, refuses)
        trigger.start()
        eventually(lambda: trigger.is_connected)
        eventually(lambda: _reached(broker, lots, "first"))
        assert trigger.last_error == "8 triggers are waiting"
        broker.kill()
        eventually(lambda: not trigger.is_connected)
        assert "not connected to the broker" in trigger.last_error
        broker.start()
        eventually(lambda: trigger.is_connected)
        eventually(lambda: _reached(broker, lots, "second"))
        trigger.stop()


def test_a_broker_whose_name_is_unknown_now_is_looked_up_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers = iter([InputError("host 'plant' cannot be found"), None])

    def ip_of(settings: MqttTriggerSettings) -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "127.0.0.1"

    monkeypatch.setattr(mqtt_trigger, "broker_ip", ip_of)
    monkeypatch.setattr(mqtt_trigger, "LOOK_UP_AGAIN_S", 0.01)
    with Broker(tmp_path) as broker:
        trigger = listener(broker, lambda lot: None)
        trigger.start()
        eventually(lambda: trigger.is_connected)
        trigger.stop()
    assert next(answers, "none left") == "none left"
