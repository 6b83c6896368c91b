"""Tables over time for the token bucket and the lockout; both forget, and neither grows without end."""

from __future__ import annotations

import pytest

from edge_app.access.rate_limit import FORGET_S, FREE_TRIES, MAX_LOCK_S, Lockouts, PeerRates, peer_of


@pytest.mark.parametrize(
    ("client", "peer"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("::ffff:10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),  # one machine has all of a /64
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("::1", 1), "::1"),
        (("testclient", 1), "testclient"),
        (None, "unknown"),
    ],
)
def test_peers(client: tuple[str, int] | None, peer: str) -> None:
    assert peer_of(client) == peer


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    rates = PeerRates(per_s=2, burst=3)
    assert [rates.wait_s("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert [rates.wait_s("a", 0.5) for _ in range(2)] == [0, 0.5]
    assert rates.wait_s("b", 0.5) == 0
    assert [rates.wait_s("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5]  # never more than the burst


def test_lockout_begins_after_the_free_tries_and_doubles() -> None:
    lockouts = Lockouts()
    now_s, waits = 0.0, []
    for _ in range(FREE_TRIES + 12):
        lockouts.failed("a", now_s)
        waits.append(lockouts.wait_s("a", now_s))
        now_s += waits[-1]
    assert waits[:FREE_TRIES] == [0] * FREE_TRIES
    assert waits[FREE_TRIES:] == [1, 2, 4, 8, 16, 32, 64, 128, 256, MAX_LOCK_S, MAX_LOCK_S, MAX_LOCK_S]


def test_lockout_is_forgotten_by_a_right_key_or_in_time() -> None:
    lockouts = Lockouts()
    for _ in range(FREE_TRIES + 1):
        lockouts.failed("a", 0.0)
        lockouts.failed("b", 0.0)
    lockouts.succeeded("a")
    assert (lockouts.wait_s("a", 0.0), lockouts.wait_s("b", 0.0)) == (0, 1)
    assert lockouts.wait_s("b", FORGET_S + 2) == 0
    assert len(lockouts) == 0


def test_memory_is_bounded_whoever_asks() -> None:
    rates, lockouts = PeerRates(per_s=1, burst=1, max_peers=10), Lockouts(max_peers=10)
    for number in range(1000):
        rates.wait_s(str(number), 0.0)
        lockouts.failed(str(number), 0.0)
    assert (len(rates), len(lockouts)) == (10, 10)
