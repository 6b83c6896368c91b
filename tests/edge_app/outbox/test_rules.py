"""What an answer means, how long to wait, when to give a message up."""

from __future__ import annotations

import random

import pytest

from edge_app.outbox.rules import (
    RANKS,
    WAITING_DROP_ORDER,
    Action,
    Answer,
    QueueLimits,
    RetryRules,
    Step,
    Verdict,
    backoff_s,
    is_full,
    next_step,
    of_http_status,
    of_mqtt_end,
    of_mqtt_reason,
)
from edge_app.services.result import Outcome

RULES = RetryRules(first_s=1.0, limit_s=60.0, max_rejections=3)


class Whole(random.Random):
    """Chance that always gives the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (199, Verdict.RETRY),
        (200, Verdict.DELIVERED),
        (202, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (300, Verdict.RETRY),
        (307, Verdict.RETRY),
        (400, Verdict.REJECTED),
        (401, Verdict.REJECTED),
        (404, Verdict.REJECTED),
        (408, Verdict.RETRY),
        (409, Verdict.REJECTED),
        (410, Verdict.GONE),
        (425, Verdict.RETRY),
        (429, Verdict.RETRY),
        (499, Verdict.REJECTED),
        (500, Verdict.RETRY),
        (503, Verdict.RETRY),
    ],
)
def test_what_a_status_means(status: int, verdict: Verdict) -> None:
    assert of_http_status(status) is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0x00, Verdict.DELIVERED),
        (0x10, Verdict.DELIVERED),  # no subscriber: the broker has it
        (0x7F, Verdict.DELIVERED),
        (0x80, Verdict.RETRY),
        (0x83, Verdict.RETRY),
        (0x87, Verdict.RETRY),  # not authorised: the broker's settings, not this message
        (0x90, Verdict.REJECTED),
        (0x95, Verdict.REJECTED),
        (0x97, Verdict.REJECTED),
        (0x99, Verdict.REJECTED),
    ],
)
def test_what_a_reason_code_means(code: int, verdict: Verdict) -> None:
    assert of_mqtt_reason(code) is verdict


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0x00, Verdict.RETRY),  # an end without a reason is the network's
        (0x80, Verdict.RETRY),
        (0x82, Verdict.REJECTED),
        (0x8B, Verdict.RETRY),  # the broker shuts down
        (0x8E, Verdict.RETRY),  # another device has this client id
        (0x95, Verdict.REJECTED),
    ],
)
def test_what_the_end_of_a_connection_means_for_the_message_on_its_way(code: int, verdict: Verdict) -> None:
    assert of_mqtt_end(code) is verdict


@pytest.mark.parametrize(
    ("num_failures", "whole_s"), [(1, 1.0), (2, 2.0), (3, 4.0), (6, 32.0), (7, 60.0), (10_000, 60.0)]
)
def test_the_pause_doubles_up_to_its_limit_and_half_of_it_is_chance(
    num_failures: int, whole_s: float
) -> None:
    rng = random.Random(7)
    pauses = [backoff_s(num_failures, RULES, rng) for _ in range(500)]
    assert all(whole_s / 2 <= pause <= whole_s for pause in pauses)
    assert max(pauses) - min(pauses) > whole_s / 3


@pytest.mark.parametrize(
    ("answer", "num_rejections", "step"),
    [
        (Answer(Verdict.DELIVERED), 0, Step(Action.FORGET)),
        (Answer(Verdict.DELIVERED), 99, Step(Action.FORGET)),
        (Answer(Verdict.RETRY), 0, Step(Action.WAIT, wait_s=2.0)),
        (Answer(Verdict.RETRY), 99, Step(Action.WAIT, wait_s=2.0)),  # the network never counts
        (Answer(Verdict.RETRY, retry_after_s=1.0), 0, Step(Action.WAIT, wait_s=2.0)),
        (Answer(Verdict.RETRY, retry_after_s=30.0), 0, Step(Action.WAIT, wait_s=30.0)),
        (Answer(Verdict.RETRY, retry_after_s=1e9), 0, Step(Action.WAIT, wait_s=3600.0)),
        (Answer(Verdict.REJECTED), 0, Step(Action.WAIT, wait_s=2.0, counts=True)),
        (Answer(Verdict.REJECTED), 1, Step(Action.WAIT, wait_s=2.0, counts=True)),
        (Answer(Verdict.REJECTED), 2, Step(Action.SET_ASIDE)),
        (Answer(Verdict.GONE), 0, Step(Action.PAUSE)),
    ],
)
def test_the_next_step(answer: Answer, num_rejections: int, step: Step) -> None:
    assert next_step(answer, num_failures=2, num_rejections=num_rejections, rules=RULES, rng=Whole()) == step


def test_no_outcome_is_without_a_rank_and_a_fail_is_never_dropped() -> None:
    assert set(RANKS) == set(Outcome)
    assert RANKS[Outcome.FAIL] not in WAITING_DROP_ORDER
    assert RANKS[Outcome.PASS] == WAITING_DROP_ORDER[0]


@pytest.mark.parametrize(
    ("num_messages", "num_bytes", "full"), [(10, 100, False), (11, 100, True), (10, 101, True), (0, 0, False)]
)
def test_full_is_over_either_limit(num_messages: int, num_bytes: int, full: bool) -> None:
    assert is_full(num_messages, num_bytes, QueueLimits(max_messages=10, max_bytes=100)) is full
