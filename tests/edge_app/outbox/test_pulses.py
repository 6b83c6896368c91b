"""When a gate's coil is on."""

from __future__ import annotations

import time

import pytest

from edge_app.outbox.pulses import Pulse, PulsePlan, age_s, pulse_of, wants_pulse
from edge_app.outbox.settings import GateSettings
from edge_app.services.result import Origin, Outcome
from tests.edge_app.hub import WAIT_S, gray, hub_of, loaded
from tests.edge_app.outbox.parts import result


def gate(**changes: object) -> GateSettings:
    return GateSettings.model_validate({"name": "g", "host": "h", "coil": 0, **changes})


@pytest.mark.parametrize(
    ("outcome", "default", "only_fail", "accept"),
    [
        (Outcome.PASS, False, False, True),
        (Outcome.REVIEW, True, False, False),
        (Outcome.FAIL, True, True, False),
        (Outcome.NO_DECISION, True, False, False),
    ],
)
def test_what_is_no_pass_is_rejected_unless_settings_say_otherwise(
    outcome: Outcome, default: bool, only_fail: bool, accept: bool
) -> None:
    assert wants_pulse(outcome, gate()) is default
    assert wants_pulse(outcome, gate(reject=("FAIL",))) is only_fail
    assert wants_pulse(outcome, gate(signal="accept")) is accept


@pytest.mark.parametrize(
    ("frame_age_ms", "created_s", "age"),
    [
        (30.0, 99.9, 0.130),  # 30 ms until inference began, 100 ms for it and for storing
        (None, 99.9, 0.100),  # a photo that was posted
        (30.0, None, 0.030),
    ],
)
def test_the_age_of_a_picture(frame_age_ms: float | None, created_s: float | None, age: float) -> None:
    origin = Origin(frame_age_ms=frame_age_ms)
    one = result(0, Outcome.FAIL, origin=origin, created_s=created_s, latency_ms=60.0)
    assert age_s(one, now_s=100.0) == pytest.approx(age)


def test_the_hub_stamps_a_result_before_the_network_runs_so_that_its_time_counts_once() -> None:
    asked_s: list[float] = []
    with hub_of(loaded(lambda: asked_s.append(time.monotonic()))) as hub:
        before_s = time.monotonic()
        judged = hub.submit_frame(gray(20), origin=Origin("cam", frame_age_ms=5.0)).result(WAIT_S)
        refused = hub.submit_no_decision(gray(0), origin=Origin("cam"), reason="black").result(WAIT_S)
    assert judged.created_s is not None
    assert before_s <= judged.created_s <= asked_s[0]
    assert refused.created_s is not None


def test_the_delay_counts_from_the_picture_and_not_from_when_it_was_judged() -> None:
    one = result(0, Outcome.FAIL, origin=Origin(frame_age_ms=30.0), created_s=99.98)
    pulse = pulse_of(one, gate(delay_ms=500, pulse_ms=80, max_late_ms=40), now_s=100.0)
    assert pulse.start_s == pytest.approx(100.45)
    assert pulse.latest_s == pytest.approx(100.49)
    assert pulse.length_s == pytest.approx(0.08)


def test_without_a_delay_the_pulse_begins_now_however_old_the_picture_is() -> None:
    one = result(0, Outcome.FAIL, origin=Origin(frame_age_ms=900.0), created_s=99.0)
    assert pulse_of(one, gate(), now_s=100.0).start_s == 100.0


def plan_of(*pulses: Pulse) -> PulsePlan:
    plan = PulsePlan()
    for pulse in pulses:
        plan.add(pulse)
    return plan


def test_a_pulse_is_on_for_its_length_from_when_it_really_began() -> None:
    plan = plan_of(Pulse(10.0, 10.05, 0.1))
    assert (plan.is_on(9.99), plan.next_change_s(9.99)) == (False, 10.0)
    assert plan.is_on(10.02)
    assert plan.began(10.02) == 1
    assert plan.next_change_s(10.02) == pytest.approx(10.12)
    assert (plan.is_on(10.11), plan.is_on(10.13)) == (True, False)
    assert plan.next_change_s(10.13) is None


def test_a_pulse_that_could_not_begin_in_time_is_missed_and_not_given_later() -> None:
    plan = plan_of(Pulse(10.0, 10.05, 0.1), Pulse(11.0, 11.05, 0.1))
    assert plan.miss(10.05) == 0
    assert plan.miss(10.06) == 1
    assert not plan.is_on(10.06)
    assert (plan.num_ahead, plan.next_change_s(10.06)) == (1, 11.0)


def test_pulses_that_overlap_are_one() -> None:
    plan = plan_of(Pulse(10.0, 10.1, 0.1), Pulse(10.05, 10.2, 0.1))
    plan.began(10.0)
    assert plan.began(10.05) == 1
    assert plan.is_on(10.12)
    assert not plan.is_on(10.16)
