"""The reject gate against pymodbus's own server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_app.outbox.gate import Gate
from edge_app.outbox.modbus import Plc, PlcError
from edge_app.outbox.settings import GateSettings
from edge_app.services.result import Origin, Outcome
from inspector.errors import InputError
from tests.edge_app.outbox.broker import free_port
from tests.edge_app.outbox.parts import outbox_on, result, wait_until
from tests.edge_app.outbox.plc import PlcServer
from tests.edge_app.outbox.proxy import Proxy

COIL, HEART = 3, 5


def settings(port: int, **changes: Any) -> GateSettings:
    fields = {
        "name": "gate",
        "host": "127.0.0.1",
        "port": port,
        "coil": COIL,
        "pulse_ms": 20,
        "max_late_ms": 5000,
    }
    return GateSettings.model_validate({**fields, "max_backoff_s": 0.1, **changes})


@contextmanager
def gate_on(one: GateSettings) -> Iterator[Gate]:
    gate = Gate(one, Plc(one))
    gate.start()
    try:
        yield gate
    finally:
        gate.close()


@pytest.fixture
def plc() -> Iterator[PlcServer]:
    with PlcServer(free_port()) as plc:
        yield plc


def test_the_coil_is_switched_off_first_whatever_it_was(plc: PlcServer) -> None:
    with gate_on(settings(plc.port)):
        wait_until(lambda: plc.coil(COIL), "the first write")
    assert plc.changes(COIL) == [False]


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.REVIEW, Outcome.NO_DECISION])
def test_whatever_is_no_pass_gets_one_pulse(plc: PlcServer, outcome: Outcome) -> None:
    with gate_on(settings(plc.port)) as gate:
        gate.on_result(result(0, Outcome.PASS))
        gate.on_result(result(1, outcome))
        wait_until(lambda: plc.changes(COIL)[-2:] == [True, False], "a pulse")
        assert (gate.num_pulses, gate.num_missed) == (1, 0)
    assert plc.changes(COIL).count(True) == 1


def test_with_accept_only_a_pass_opens_the_gate(plc: PlcServer) -> None:
    with gate_on(settings(plc.port, signal="accept")) as gate:
        for outcome in (Outcome.FAIL, Outcome.REVIEW, Outcome.NO_DECISION):
            gate.on_result(result(0, outcome))
        assert gate.num_ahead == 0
        gate.on_result(result(1, Outcome.PASS))
        wait_until(lambda: plc.changes(COIL)[-2:] == [True, False], "a pulse")
    assert plc.changes(COIL).count(True) == 1


def test_each_part_has_a_pulse_of_its_own_after_the_delay(plc: PlcServer) -> None:
    with gate_on(settings(plc.port, delay_ms=60)) as gate:
        wait_until(lambda: gate.connected, "a connection")
        for number in range(3):
            gate.on_result(result(number, Outcome.FAIL, origin=Origin(), created_ms=0))
            wait_until(lambda: gate.num_pulses == number + 1, "the pulse begins")  # noqa: B023
            wait_until(lambda: plc.changes(COIL)[-1] is False, "the pulse ends")
    assert plc.changes(COIL) == [False, *[True, False] * 3]


def test_other_cameras_do_not_move_this_gate(plc: PlcServer) -> None:
    with gate_on(settings(plc.port, sources=["cam2"])) as gate:
        gate.on_result(result(0, Outcome.FAIL))
        assert gate.num_ahead == 0
        gate.on_result(result(1, Outcome.FAIL, origin=Origin(source="cam2")))
        wait_until(lambda: gate.num_pulses == 1, "the pulse")


def test_a_pulse_for_a_plc_that_is_away_is_missed_said_so_and_never_given_later() -> None:
    port = free_port()
    with gate_on(settings(port, max_late_ms=1000)) as gate:
        gate.on_result(result(0, Outcome.FAIL))
        wait_until(lambda: gate.num_missed == 1, "the missed pulse")
        status = gate.status()
        assert (status.connected, status.dropped, status.waiting) == (False, 1, 0)
        assert f"PLC 127.0.0.1:{port} cannot be reached" in status.last_error
        with PlcServer(port) as plc:
            wait_until(lambda: gate.connected, "the PLC is back")
            assert plc.changes(COIL) == [False]
            gate.on_result(result(1, Outcome.FAIL))
            wait_until(lambda: plc.changes(COIL) == [False, True, False], "the next part's pulse")
            assert gate.status().last_error == ""
            gate.close()


class AwayPlc:
    def __init__(self) -> None:
        self.num_attempts = 0

    def write(self, coil: int, on: bool) -> None:
        self.num_attempts += 1
        raise PlcError(f"coil {coil} {on}: nobody is there")

    def close(self) -> None:
        """Nothing to close."""


def test_every_missed_part_is_counted_and_attempts_do_not_run_hot() -> None:
    """A part that arrived between two attempts was once taken for one whose pulse had begun."""
    plc = AwayPlc()
    gate = Gate(settings(502, max_late_ms=300), plc)
    gate.start()
    for number in range(100):
        gate.on_result(result(number, Outcome.FAIL))
        time.sleep(0.002)  # lets the gate's thread look at each part by itself
    wait_until(lambda: gate.num_missed + gate.num_pulses == 100, "an end of all pulses")
    gate.close()
    assert gate.num_pulses == 0
    assert plc.num_attempts < 100


def test_a_plc_that_falls_silent_is_noticed_without_a_part_and_the_coil_ends_off(plc: PlcServer) -> None:
    with Proxy(plc.port) as proxy, gate_on(settings(proxy.port, timeout_s=0.2)) as gate:
        wait_until(lambda: gate.connected, "a connection")
        proxy.mode = "swallow"
        wait_until(lambda: gate.connected is False, "the silence is noticed")
        assert "does not answer" in gate.last_error
        proxy.mode = "pass"
        proxy.cut()
        wait_until(lambda: gate.connected, "the PLC is back")
    assert plc.coil(COIL)[-1] is False


def test_the_heartbeat_beats_while_all_is_well_and_stands_still_when_not(plc: PlcServer) -> None:
    beating = {"heartbeat_coil": HEART, "heartbeat_ms": 50, "timeout_s": 0.2}
    with Proxy(plc.port) as proxy, gate_on(settings(proxy.port, **beating)) as gate:
        wait_until(lambda: len(plc.coil(HEART)) >= 4, "beats")
        assert plc.coil(HEART)[:4] == [True, False, True, False]
        proxy.mode = "refuse"
        proxy.cut()
        wait_until(lambda: gate.connected is False, "the loss is noticed")
        num_beats = len(plc.coil(HEART))
        gate.on_result(result(0, Outcome.FAIL))
        assert len(plc.coil(HEART)) == num_beats
        proxy.mode = "pass"
        wait_until(lambda: len(plc.coil(HEART)) > num_beats, "beats again")


def test_a_coil_that_the_plc_does_not_have_is_its_refusal(plc: PlcServer) -> None:
    one = settings(plc.port, coil=999)
    client = Plc(one)
    with pytest.raises(PlcError, match="refuses coil 999 of unit 1"):
        client.write(999, True)
    client.close()


def test_without_pymodbus_a_gate_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    with pytest.raises(InputError, match=r"visual-inspector\[modbus\]"):
        Plc(settings(502))


def test_the_outbox_runs_gates_beside_queues(tmp_path: Path, plc: PlcServer) -> None:
    with outbox_on(tmp_path, [settings(plc.port).model_dump()]) as (outbox, _):
        outbox.on_result(result(0, Outcome.FAIL))
        wait_until(lambda: plc.changes(COIL)[-2:] == [True, False], "a pulse")
        (status,) = outbox.status()
        assert (status.name, status.kind, status.connected, status.dropped) == ("gate", "modbus", True, 0)
