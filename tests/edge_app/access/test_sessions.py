"""Sessions end by themselves, and there are never many."""

from __future__ import annotations

from edge_app.access import sessions as module
from edge_app.access.sessions import MAX_PER_KEY, Sessions


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_session_stands_for_its_key_until_it_is_ended() -> None:
    sessions = Sessions()
    token = sessions.start("k1")
    assert sessions.find(token) == "k1"
    assert sessions.find(token + "x") is None
    sessions.end(token)
    assert sessions.find(token) is None


def test_unused_sessions_end_and_used_ones_stay_until_the_absolute_limit() -> None:
    clock = Clock()
    sessions = Sessions(idle_s=10, absolute_s=25, clock=clock)
    idle, used = sessions.start("k1"), sessions.start("k1")
    for _ in range(3):
        clock.now_s += 8
        used_found = sessions.find(used)
    assert used_found == "k1"
    assert sessions.find(idle) is None
    clock.now_s += 2
    assert sessions.find(used) is None


def test_a_check_that_is_no_use_does_not_keep_a_session_alive() -> None:
    clock = Clock()
    sessions = Sessions(idle_s=10, absolute_s=100, clock=clock)
    token = sessions.start("k1")
    clock.now_s += 8
    assert sessions.find(token, touch=False) == "k1"
    clock.now_s += 8
    assert sessions.find(token) is None


def test_a_key_cannot_crowd_out_the_sessions_of_others() -> None:
    sessions = Sessions()
    other = sessions.start("other")
    own = [sessions.start("greedy") for _ in range(MAX_PER_KEY + 3)]
    assert sessions.find(other) == "other"
    assert [sessions.find(token) for token in own] == [None] * 3 + ["greedy"] * MAX_PER_KEY


def test_the_number_of_sessions_is_bounded() -> None:
    sessions = Sessions()
    for number in range(module.MAX_SESSIONS + 10):
        sessions.start(f"k{number}")
    assert len(sessions) == module.MAX_SESSIONS


def test_tokens_are_not_kept() -> None:
    sessions = Sessions()
    token = sessions.start("k1")
    assert token not in repr(vars(sessions))
