"""The table: order, what goes when it is full, and sums that always agree with the rows."""

from __future__ import annotations

import json
import random
import sqlite3

import pytest

from edge_app.outbox import queue
from edge_app.outbox.message import GAP, RESULT, result_body
from edge_app.outbox.room import make_room, make_room_for_dead
from edge_app.outbox.rules import GAP_RANK, RANKS, QueueLimits
from edge_app.services.result import Outcome
from tests.edge_app.outbox.parts import result, table

PASS, REVIEW, FAIL, NO_DECISION = Outcome.PASS, Outcome.REVIEW, Outcome.FAIL, Outcome.NO_DECISION


def put(connection: sqlite3.Connection, number: int, outcome: Outcome = PASS, name: str = "a") -> int:
    one = result(number, outcome)
    return queue.insert(
        connection, name, kind=RESULT, rank=RANKS[outcome], created_ms=one.created_ms, body=result_body(one)
    )


def waiting(connection: sqlite3.Connection, name: str = "a") -> list[str]:
    """The queue in order: result ids, and gaps with what they count."""
    contents = [json.loads(row.body) for row in queue.take(connection, name, limit=10_000)]
    return [
        content["result"]["id"] if "result" in content else f"gap of {content['gap']['num_dropped']}"
        for content in contents
    ]


def limits(num_messages: int, *, max_bytes: int = 10**9, max_dead: int = 10) -> QueueLimits:
    return QueueLimits(max_messages=num_messages, max_bytes=max_bytes, max_dead=max_dead)


def test_messages_come_out_in_order_and_by_destination() -> None:
    connection = table()
    for number in range(4):
        put(connection, number, name="ab"[number % 2])
    assert waiting(connection, "a") == ["r0", "r2"]
    assert waiting(connection, "b") == ["r1", "r3"]


def test_an_id_is_never_given_twice_even_by_an_empty_table() -> None:
    connection = table()
    first = put(connection, 0)
    queue.remove(connection, first)
    assert put(connection, 1) > first


def test_removing_what_is_gone_changes_nothing() -> None:
    connection = table()
    put(connection, 0)
    queue.remove(connection, 99)
    assert queue.totals(connection)["a"].num_waiting == 1


@pytest.mark.parametrize(
    ("outcomes", "after"),
    [
        ([PASS, PASS, PASS], ["gap of 2", "r2"]),
        ([FAIL, PASS, REVIEW, PASS], ["r0", "gap of 3"]),
        ([REVIEW, PASS, FAIL], ["gap of 2", "r2"]),
        ([NO_DECISION, REVIEW, FAIL], ["gap of 2", "r2"]),
        ([FAIL, FAIL, FAIL], ["r0", "r1", "r2"]),  # over the limit, and complete
        ([FAIL, FAIL, PASS], ["r0", "r1", "gap of 1"]),
    ],
)
def test_the_oldest_pass_goes_first_and_a_fail_never(outcomes: list[Outcome], after: list[str]) -> None:
    connection = table()
    for number, outcome in enumerate(outcomes):
        put(connection, number, outcome)
    make_room(connection, "a", limits=limits(2), claimed=0)
    assert waiting(connection) == after


def test_bytes_are_a_limit_as_well() -> None:
    connection = table()
    for number in range(20):
        put(connection, number)
    size = queue.totals(connection)["a"].num_bytes
    make_room(connection, "a", limits=limits(1000, max_bytes=size // 2), claimed=0)
    assert queue.totals(connection)["a"].num_bytes <= size // 2
    assert waiting(connection)[-1] == "r19"


def test_what_is_on_its_way_is_neither_dropped_nor_is_its_gap_changed() -> None:
    connection = table()
    ids = [put(connection, number) for number in range(6)]
    make_room(connection, "a", limits=limits(4), claimed=0)
    assert waiting(connection) == ["gap of 3", "r3", "r4", "r5"]
    put(connection, 6)
    put(connection, 7)
    make_room(connection, "a", limits=limits(5), claimed=ids[3])
    assert waiting(connection) == ["gap of 3", "r3", "gap of 2", "r6", "r7"]


def test_one_destination_that_is_full_takes_nothing_from_another() -> None:
    connection = table()
    for number in range(10):
        put(connection, number, name="a")
        put(connection, number, name="b")
    make_room(connection, "a", limits=limits(3), claimed=0)
    assert len(waiting(connection, "a")) == 3
    assert len(waiting(connection, "b")) == 10


def test_dead_messages_are_listed_with_their_reason_and_go_back_with_their_ids() -> None:
    connection = table()
    ids = [put(connection, number) for number in range(4)]
    for row_id in ids[:2]:
        queue.count_rejection(connection, row_id)
        queue.bury(connection, row_id, reason="answered 400", died_ms=5)
    assert waiting(connection) == ["r2", "r3"]
    letters = queue.dead_letters(connection, "a", limit=10)
    assert [(letter.id, letter.reason) for letter in letters] == [
        (row_id, "answered 400") for row_id in ids[:2]
    ]
    assert queue.dead_letters(connection, "a", limit=10, after_id=ids[0]) == letters[1:]
    assert queue.requeue(connection, "a", row_ids=[ids[1]]) == 1
    assert queue.requeue(connection, "a") == 1
    assert waiting(connection) == ["r0", "r1", "r2", "r3"]
    assert [row.num_rejections for row in queue.take(connection, "a", limit=2)] == [0, 0]


def test_dead_messages_are_bounded_too_and_the_missing_ones_are_reported() -> None:
    connection = table()
    for number, outcome in enumerate([FAIL, PASS, REVIEW, FAIL, PASS]):
        queue.bury(connection, put(connection, number, outcome), reason="no", died_ms=5)
    dropped = make_room_for_dead(connection, "a", limits=limits(9, max_dead=3), claimed=0)
    assert dropped == 2
    assert [
        json.loads(one.body)["result"]["verdict"] for one in queue.dead_letters(connection, "a", limit=9)
    ] == [
        "FAIL",
        "REVIEW",
        "FAIL",
    ]
    assert waiting(connection) == ["gap of 2"]


def test_a_receiver_that_refuses_gaps_does_not_make_new_ones_for_ever() -> None:
    connection = table()
    for number in range(3):
        row_id = queue.insert(connection, "a", kind=GAP, rank=GAP_RANK, created_ms=number, body='{"gap":{}}')
        queue.bury(connection, row_id, reason="no", died_ms=5)
    assert make_room_for_dead(connection, "a", limits=limits(9, max_dead=1), claimed=0) == 2
    assert waiting(connection) == []


def test_discarding_forgets_a_destination_and_no_other() -> None:
    connection = table()
    put(connection, 0, name="a")
    put(connection, 1, name="b")
    queue.discard(connection, "a")
    assert list(queue.totals(connection)) == ["b"]
    assert waiting(connection, "a") == []


@pytest.mark.parametrize("seed", range(8))
def test_after_any_sequence_sums_agree_with_rows_and_every_result_is_accounted_for(seed: int) -> None:
    rng = random.Random(seed)
    connection = table()
    num_put = num_delivered = num_fails_put = num_fails_gone = 0
    small = limits(12, max_dead=4)
    for number in range(300):
        outcome = rng.choice([PASS, PASS, PASS, REVIEW, NO_DECISION, FAIL])
        put(connection, number, outcome)
        num_put += 1
        num_fails_put += outcome is FAIL
        make_room(connection, "a", limits=small, claimed=0)
        head = queue.take(connection, "a", limit=1)[0]
        is_fail = '"FAIL"' in head.body and head.kind == RESULT
        what = rng.random()
        if what < 0.35 and head.kind == RESULT:
            queue.remove(connection, head.id)
            num_delivered += 1
            num_fails_gone += is_fail
        elif what < 0.5:
            queue.bury(connection, head.id, reason="no", died_ms=0)
            make_room_for_dead(connection, "a", limits=small, claimed=0)
        elif what < 0.55:
            queue.requeue(connection, "a")
            make_room(connection, "a", limits=small, claimed=0)
    rows = connection.execute("SELECT COUNT(*), SUM(num_bytes), SUM(LENGTH(body)) FROM outbox").fetchone()
    totals = queue.totals(connection)["a"]
    assert (totals.num_waiting, totals.num_bytes) == (rows[0], rows[1])
    assert rows[1] == rows[2]
    kept = connection.execute(
        "SELECT COUNT(*), SUM(rank = 2) FROM (SELECT kind, rank FROM outbox UNION ALL "
        "SELECT kind, rank FROM outbox_dead) WHERE kind = 'result'"
    ).fetchone()
    assert num_delivered + totals.num_dropped + kept[0] == num_put
    assert num_fails_gone + kept[1] == num_fails_put
