"""The real mosquitto, and a proxy before it that misbehaves."""

from __future__ import annotations

import logging
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_app.outbox.message import RESULT, message_of, result_body
from edge_app.outbox.mqtt_connection import packet_bytes
from edge_app.outbox.outbox import Outbox
from edge_app.services.result import Outcome
from tests.edge_app.outbox.broker import Broker, Subscriber, in_order_without_repeats
from tests.edge_app.outbox.certificates import write_certificates
from tests.edge_app.outbox.parts import DEVICE, FAST, outbox_on, put, result, wait_until
from tests.edge_app.outbox.proxy import Proxy


def mqtt(port: int, **changes: Any) -> dict[str, Any]:
    return {"kind": "mqtt", "name": "plant", "host": "127.0.0.1", "port": port, **FAST, **changes}


def wait_for_empty(outbox: Outbox) -> None:
    wait_until(lambda: outbox.status()[0].waiting == 0, "an empty queue")


def ids(num: int) -> list[str]:
    return [f"{DEVICE}:{number}" for number in range(1, num + 1)]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_results_arrive_in_order_on_the_topic_of_the_device(tmp_path: Path, protocol: str) -> None:
    destination = {"protocol": protocol}
    with Broker(tmp_path) as broker, Subscriber(broker.port) as subscriber:
        with outbox_on(tmp_path, [mqtt(broker.port, **destination)]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(50)))
            wait_for_empty(outbox)
            assert outbox.status()[0].connected is True
        wait_until(lambda: len(subscriber.received) == 50, "all messages")
    assert subscriber.ids == ids(50)
    assert [message["result"]["id"] for message in subscriber.received] == [f"r{n}" for n in range(50)]


def test_a_broker_that_is_away_is_said_so_and_costs_nothing(tmp_path: Path) -> None:
    broker = Broker(tmp_path)
    with outbox_on(tmp_path, [mqtt(broker.port)]) as (outbox, writer):
        put(outbox, writer, (result(number) for number in range(10)))
        wait_until(lambda: "cannot be reached" in outbox.status()[0].last_error, "the reason")
        status = outbox.status()[0]
        assert (status.waiting, status.connected, status.oldest_ms) == (10, False, result(0).created_ms)
    with (
        broker,
        Subscriber(broker.port) as subscriber,
        outbox_on(tmp_path, [mqtt(broker.port)]) as (outbox, _),
    ):
        wait_for_empty(outbox)
        wait_until(lambda: len(subscriber.received) == 10, "all messages after a restart of both")
        assert subscriber.ids == ids(10)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_broker_that_dies_in_the_middle_gets_the_rest_when_it_is_back(
    tmp_path: Path, how: signal.Signals
) -> None:
    with Broker(tmp_path) as broker, Proxy(broker.port) as proxy, Subscriber(broker.port) as subscriber:
        proxy.mode = "delay"
        with outbox_on(tmp_path, [mqtt(proxy.port)]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(12)))
            wait_until(lambda: len(subscriber.received) >= 3, "the first messages")
            broker.stop(how)
            # A broker forgets who subscribed: nothing may come through before the subscriber is back.
            proxy.mode = "refuse"
            subscriber.lose()
            assert outbox.status()[0].waiting > 0
            broker.start()
            subscriber.again()
            proxy.mode = "pass"
            wait_for_empty(outbox)
        wait_until(lambda: len(set(subscriber.ids)) == 12, "all messages")
    assert in_order_without_repeats(subscriber.ids) == ids(12)


@pytest.mark.parametrize("mode", ["delay", "reset", "swallow", "deaf", "refuse"])
def test_a_bad_line_loses_nothing_and_repeats_keep_their_id(tmp_path: Path, mode: str) -> None:
    with Broker(tmp_path) as broker, Proxy(broker.port) as proxy, Subscriber(broker.port) as subscriber:
        with outbox_on(tmp_path, [mqtt(proxy.port, timeout_s=0.3)]) as (outbox, writer):
            put(outbox, writer, (result(number) for number in range(5)))
            wait_for_empty(outbox)
            num_before = proxy.num_connections
            proxy.mode = mode
            if mode == "refuse":
                proxy.cut()
            put(outbox, writer, (result(number) for number in range(5, 10)))
            if mode == "delay":
                wait_for_empty(outbox)
            else:
                wait_until(lambda: proxy.num_connections > num_before + 1, "attempts over the bad line")
                assert outbox.status()[0].waiting == 5
                assert outbox.status()[0].last_error
            proxy.mode = "pass"
            proxy.cut()
            put(outbox, writer, (result(number) for number in range(10, 15)))
            wait_for_empty(outbox)
            assert outbox.status()[0].last_error == ""
        wait_until(lambda: len(set(subscriber.ids)) == 15, "all messages")
    assert in_order_without_repeats(subscriber.ids) == ids(15)
    by_id = {message["id"]: message for message in subscriber.received}
    assert all(by_id[message["id"]] == message for message in subscriber.received)


def test_a_lost_answer_makes_a_repeat_with_the_same_id(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker, Proxy(broker.port) as proxy, Subscriber(broker.port) as subscriber:
        with outbox_on(tmp_path, [mqtt(proxy.port, timeout_s=0.3)]) as (outbox, writer):
            wait_until(lambda: outbox.status()[0].connected, "a connection")
            proxy.mode = "deaf"
            put(outbox, writer, [result(0)])
            wait_until(lambda: len(subscriber.received) >= 1, "the first copy")
            proxy.mode = "pass"
            wait_for_empty(outbox)
        wait_until(lambda: len(subscriber.received) >= 2, "the second copy")
    assert set(subscriber.ids) == {f"{DEVICE}:1"}


@pytest.mark.parametrize("limit", ["message_size_limit 700", "max_packet_size 700"])
def test_a_message_that_the_broker_will_never_take_is_set_aside(tmp_path: Path, limit: str) -> None:
    """Found with mosquitto 2.0: one is announced in CONNACK, one gives a PUBACK that paho cannot read."""
    with Broker(tmp_path, ["allow_anonymous true", limit]) as broker, Subscriber(broker.port) as subscriber:
        with outbox_on(tmp_path, [mqtt(broker.port)]) as (outbox, writer):
            small: dict[str, Any] = {"shadow": None, "quality": None, "regions": ()}
            put(outbox, writer, [result(0, **small), result(1, Outcome.FAIL), result(2, **small)])
            wait_for_empty(outbox)
            assert outbox.status()[0].dead == 1
            (dead,) = outbox.dead_letters("plant")
            assert "0x95" in dead.reason or "0x82" in dead.reason
            assert dead.message["result"]["id"] == "r1"
        wait_until(lambda: len(subscriber.received) == 2, "the others")
    assert subscriber.ids == [f"{DEVICE}:1", f"{DEVICE}:3"]


@pytest.mark.parametrize(("spare", "num_dead"), [(0, 0), (-1, 1)])
def test_the_size_of_a_packet_is_known_to_the_byte(tmp_path: Path, spare: int, num_dead: int) -> None:
    message = message_of(device_id=DEVICE, row_id=1, kind=RESULT, body=result_body(result(0)))
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    properties.UserProperty = [("id", message.id)]
    size = packet_bytes(f"inspector/{DEVICE}/results", message, properties)
    broker = Broker(tmp_path, ["allow_anonymous true", f"max_packet_size {size + spare}"])
    with broker, outbox_on(tmp_path, [mqtt(broker.port)]) as (outbox, writer):
        put(outbox, writer, [result(0)])
        wait_for_empty(outbox)
        assert outbox.status()[0].dead == num_dead


def test_a_wrong_password_keeps_the_messages_and_stands_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    passwords = tmp_path / "passwords"
    passwords.write_text("line7:right-pass\n")
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, timeout=20)
    secret = tmp_path / "secrets" / "broker"
    secret.parent.mkdir()
    secret.write_text("wrong-pass\n")
    lines = ["allow_anonymous false", f"password_file {passwords}"]
    destination = {"username": "line7", "password": "broker"}
    with Broker(tmp_path, lines) as broker:
        with outbox_on(tmp_path, [mqtt(broker.port, **destination)]) as (outbox, writer):
            put(outbox, writer, [result(0)])
            wait_until(lambda: "refused" in outbox.status()[0].last_error, "a refusal")
            assert (outbox.status()[0].waiting, outbox.status()[0].dead) == (1, 0)
            assert "wrong-pass" not in f"{outbox.status()} {caplog.text}"
            secret.write_text("right-pass\n")  # read at every connection: no restart is needed
            wait_for_empty(outbox)
        assert "right-pass" not in caplog.text


def test_tls_takes_the_plants_own_authority_and_nobody_elses(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    files = write_certificates(secrets)
    lines = [
        "allow_anonymous true",
        f"certfile {files.certificate}",
        f"keyfile {files.key}",
        f"cafile {files.ca}",
        "require_certificate true",
    ]
    client = {"client_certificate": files.certificate.name, "client_key": files.key.name}
    with Broker(tmp_path, lines) as broker:
        with outbox_on(tmp_path, [mqtt(broker.port, tls=client)]) as (outbox, writer):
            put(outbox, writer, [result(0)])
            wait_until(lambda: "certificate" in outbox.status()[0].last_error, "a refusal")
        trusted = mqtt(broker.port, tls={**client, "ca": files.ca.name})
        with outbox_on(tmp_path, [trusted]) as (outbox, _):
            wait_for_empty(outbox)
            assert outbox.status()[0].last_error == ""
