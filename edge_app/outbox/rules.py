"""What to do with a message that was answered, not answered or has no room: numbers in, decision out.

Source: edge_reliability.md section 3; RFC 9110 section 15 (HTTP statuses); MQTT 5.0 section 2.4 (reasons).
Differs from the source: 410 pauses the destination, as Standard Webhooks asks, and costs no message. A
connection that ends in a protocol error over a message counts against it: mosquitto 2.0 refuses one that is
too large by a PUBACK that MQTT does not know, at which paho hangs up, and all later ones would wait for ever.
"""

import random
from dataclasses import dataclass
from enum import Enum
from typing import Optional, Tuple

from edge_app.services.result import Outcome

MAY_SUCCEED_LATER = frozenset((408, 425, 429))
GONE = 410
MQTT_FAILURE = 0x80
MQTT_POISON = frozenset((0x90, 0x95, 0x97, 0x99))  # topic name, packet too large, quota, payload format
PROTOCOL_ERROR = 0x82
MAX_RETRY_AFTER_S = 3600.0

RANKS = {Outcome.PASS: 0, Outcome.REVIEW: 1, Outcome.NO_DECISION: 1, Outcome.FAIL: 2}
GAP_RANK = 3
WAITING_DROP_ORDER: Tuple[int, ...] = (0, 1)  # never a FAIL, and never the record of what is missing
DEAD_DROP_ORDER: Tuple[int, ...] = (0, 1, GAP_RANK)


class Verdict(Enum):
    """What an answer means for the message: taken, try again, refused as it is, or the receiver is gone."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REJECTED = "rejected"
    GONE = "gone"


@dataclass(frozen=True)
class Answer:
    """What came of one attempt. `detail` is one clause for people, without secrets, empty on success."""

    verdict: Verdict
    detail: str = ""
    retry_after_s: Optional[float] = None


DELIVERED = Answer(Verdict.DELIVERED)


class Action(Enum):
    """What happens to the message at the head of the queue."""

    FORGET = "forget"
    WAIT = "wait"
    SET_ASIDE = "set aside"
    PAUSE = "pause"


@dataclass(frozen=True)
class Step:
    """The next step. `counts` means that the refusal is remembered against the message."""

    action: Action
    wait_s: float = 0.0
    counts: bool = False


@dataclass(frozen=True)
class RetryRules:
    """How patient a destination is: back-off from `first_s`, doubled up to `limit_s`; refusals it takes."""

    first_s: float = 1.0
    limit_s: float = 60.0
    max_rejections: int = 3


@dataclass(frozen=True)
class QueueLimits:
    """How much may wait for one destination, and how many refused messages are kept."""

    max_messages: int = 100_000
    max_bytes: int = 64_000_000
    max_dead: int = 1000


def of_http_status(status: int) -> Verdict:
    """Say what a status means. No redirect is followed: the message waits until the address is corrected."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == GONE:
        return Verdict.GONE
    if 400 <= status < 500 and status not in MAY_SUCCEED_LATER:
        return Verdict.REJECTED
    return Verdict.RETRY


def of_mqtt_reason(code: int) -> Verdict:
    """Say what a PUBACK's or DISCONNECT's reason code means for the message it answers."""
    if code < MQTT_FAILURE:
        return Verdict.DELIVERED
    return Verdict.REJECTED if code in MQTT_POISON else Verdict.RETRY


def of_mqtt_end(code: int) -> Verdict:
    """Say what the reason of a connection's end means for the message that was on its way."""
    return Verdict.REJECTED if code in MQTT_POISON or code == PROTOCOL_ERROR else Verdict.RETRY


def backoff_s(num_failures: int, rules: RetryRules, rng: random.Random) -> float:
    """Return how long to wait after the `num_failures`-th failure in a row: half of it by chance.

    Chance, because a plant's devices all lose the broker in the same moment and must not return in one.
    """
    whole = min(rules.limit_s, rules.first_s * 2.0 ** min(num_failures - 1, 30))
    return whole * rng.uniform(0.5, 1.0)


def next_step(
    answer: Answer, *, num_failures: int, num_rejections: int, rules: RetryRules, rng: random.Random
) -> Step:
    """Decide after one attempt.

    Args:
        num_failures: Attempts in a row that did not deliver, this one included.
        num_rejections: How often this message was refused before.
    """
    if answer.verdict is Verdict.DELIVERED:
        return Step(Action.FORGET)
    if answer.verdict is Verdict.GONE:
        return Step(Action.PAUSE)
    refused = answer.verdict is Verdict.REJECTED
    if refused and num_rejections + 1 >= rules.max_rejections:
        return Step(Action.SET_ASIDE)
    wait_s = backoff_s(num_failures, rules, rng)
    if answer.retry_after_s is not None:
        wait_s = max(wait_s, min(answer.retry_after_s, MAX_RETRY_AFTER_S))
    return Step(Action.WAIT, wait_s=wait_s, counts=refused)


def is_full(num_messages: int, num_bytes: int, limits: QueueLimits) -> bool:
    """Say whether something must go."""
    return num_messages > limits.max_messages or num_bytes > limits.max_bytes
