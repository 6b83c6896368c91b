"""Three crashes within five minutes: tables over times, and the file behind them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge_app.services.boot_guard import BootGuard, BootHistory, Countdown, is_boot_loop, with_start

A, B = "a" * 64, "b" * 64
MINUTE = 60_000


@pytest.mark.parametrize(
    ("starts_ms", "now_ms", "digest", "is_loop"),
    [
        ((), 0, A, False),
        ((0, 1, 2), 3, A, True),
        ((0, 1), 3, A, False),
        ((0, 2 * MINUTE, 4 * MINUTE), 5 * MINUTE - 1, A, True),
        ((0, 2 * MINUTE, 4 * MINUTE), 5 * MINUTE, A, False),  # the first is five minutes ago
        ((0, 1, 2), 3, B, False),  # another model crashed
        ((9 * MINUTE, 9 * MINUTE, 9 * MINUTE), 0, A, True),  # the clock was set back
    ],
)
def test_a_boot_loop(starts_ms: tuple[int, ...], now_ms: int, digest: str, is_loop: bool) -> None:
    assert is_boot_loop(BootHistory(digest=A, starts_ms=starts_ms), digest=digest, now_ms=now_ms) is is_loop


def test_a_history_holds_three_recent_starts_of_one_model() -> None:
    history = BootHistory()
    for now_ms in range(5):
        history = with_start(history, digest=A, now_ms=now_ms)
    assert history == BootHistory(digest=A, starts_ms=(2, 3, 4))
    assert with_start(history, digest=A, now_ms=6 * MINUTE).starts_ms == (6 * MINUTE,)
    assert with_start(history, digest=B, now_ms=7) == BootHistory(digest=B, starts_ms=(7,))


def test_the_file_outlives_the_process_and_damage_to_it_counts_as_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "boots.json"
    for _ in range(3):
        assert not BootGuard(path).must_not_start(A)
        BootGuard(path).started(A)
    assert BootGuard(path).must_not_start(A)
    BootGuard(path).is_well()
    assert not BootGuard(path).must_not_start(A)
    path.write_bytes(b"\x00\x01")
    assert not BootGuard(path).must_not_start(A)


def test_a_server_that_runs_long_enough_is_well_and_one_that_stopped_is_not_asked() -> None:
    called = threading.Event()
    countdown = Countdown(0.01, called.set)
    countdown.restart()
    countdown.restart()
    assert called.wait(10)
    never = threading.Event()
    stopped = Countdown(0.05, never.set)
    stopped.restart()
    stopped.stop()
    assert not never.wait(0.2)
