"""When a frame is not trusted, when a camera is given up, when it is tried again: tables."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from edge_app.cameras.facts import FrameFacts, measured
from edge_app.cameras.health import Repetition, fault_of, repetition
from edge_app.cameras.watch import Phase, allowed_silence_s, failures_after, frame_rate, pause_s
from edge_app.services.camera import FrameFault
from edge_app.services.continuous_station import FaultReport, is_due


def facts_of(frame: np.ndarray, *, at_s: float = 0.0) -> FrameFacts:
    return measured(frame, seq=1, captured_s=at_s, captured_ms=0)


def picture(seed: int, *, low: int = 90, high: int = 110) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (96, 128, 3), dtype=np.uint8)


def test_identical_frames_have_one_fingerprint_and_the_slightest_noise_another() -> None:
    frame = picture(1)
    assert facts_of(frame).fingerprint == facts_of(frame.copy()).fingerprint
    noisy = frame.copy()
    noisy[::2, ::2] += 1
    assert facts_of(noisy).fingerprint != facts_of(frame).fingerprint
    moved = frame.copy()
    moved[40:60, 41:63] = 255
    assert facts_of(moved).fingerprint != facts_of(frame).fingerprint


@pytest.mark.parametrize("size_hw", [(1, 1), (3, 500), (48, 64), (1080, 1920)])
def test_frames_of_any_size_are_measured(size_hw: tuple[int, int]) -> None:
    facts = facts_of(np.full((*size_hw, 3), 100, np.uint8))
    assert (facts.height, facts.width, facts.darkest, facts.lightest) == (*size_hw, 100.0, 100.0)


@pytest.mark.parametrize(
    ("low", "high", "fault"),
    [
        (0, 8, FrameFault.BLACK),
        (0, 15, FrameFault.BLACK),
        (20, 60, None),
        (200, 230, None),
        (245, 255, FrameFault.WHITE),
    ],
)
def test_black_and_white(low: int, high: int, fault: FrameFault | None) -> None:
    facts = facts_of(picture(2, low=low, high=high))
    assert fault_of(facts, repetition(None, facts), frozen_s=1.5) is fault


def test_a_dark_picture_with_something_in_it_is_not_black() -> None:
    frame = picture(3, low=0, high=5)
    frame[40:60, 40:60] = 200
    facts = facts_of(frame)
    assert fault_of(facts, repetition(None, facts), frozen_s=1.5) is None


@pytest.mark.parametrize(
    ("fps", "num_frames", "frozen_s", "fault"),
    [
        (30, 46, 1.5, FrameFault.FROZEN),  # the 46th is 1.5 s after the first
        (30, 45, 1.5, None),
        (1, 4, 1.5, None),  # long enough, but too few to be sure
        (1, 5, 1.5, FrameFault.FROZEN),
        (30, 1000, None, None),
    ],
)
def test_frozen_needs_both_time_and_frames(
    fps: int, num_frames: int, frozen_s: float | None, fault: FrameFault | None
) -> None:
    run: Repetition | None = None
    for number in range(num_frames):
        facts = facts_of(picture(4), at_s=number / fps)
        run = repetition(run, facts)
    assert run is not None
    assert fault_of(facts, run, frozen_s=frozen_s) is fault


def test_one_other_frame_ends_the_run() -> None:
    run = Repetition(1, 0.0, 100)
    run = repetition(run, facts_of(picture(5), at_s=9.0))
    assert (run.since_s, run.num_frames) == (9.0, 1)


@pytest.mark.parametrize(
    ("phase", "fps", "seconds"),
    [
        (Phase.SPAWNED, 30.0, 20.0),
        (Phase.OPENING, 30.0, 2.5),
        (Phase.OPENED, 30.0, 2.0),
        (Phase.RUNNING, None, 2.0),
        (Phase.RUNNING, 30.0, 2.0),
        (Phase.RUNNING, 2.5, 2.0),
        (Phase.RUNNING, 0.5, 10.0),
    ],
)
def test_allowed_silence(phase: Phase, fps: float | None, seconds: float) -> None:
    assert allowed_silence_s(phase, timeout_s=2.0, fps=fps) == seconds


@pytest.mark.parametrize(
    ("num_failures", "least", "most"),
    [(1, 1, 1.25), (2, 1.5, 2.5), (3, 3, 5), (5, 12, 20), (6, 22.5, 30), (1000, 22.5, 30)],
)
def test_pauses_grow_from_1_to_30_s_with_jitter(num_failures: int, least: float, most: float) -> None:
    pauses = [pause_s(num_failures, Random(seed)) for seed in range(200)]
    assert least <= min(pauses) < max(pauses) <= most


@pytest.mark.parametrize(("before", "ran_s", "after"), [(0, 0.0, 1), (3, 9.9, 4), (3, 10.0, 1)])
def test_a_camera_that_ran_well_starts_counting_again(before: int, ran_s: float, after: int) -> None:
    assert failures_after(before, ran_s=ran_s) == after


@pytest.mark.parametrize(
    ("stamps", "now_s", "fps"),
    [([], 5.0, 0.0), ([1.0], 5.0, 0.0), ([1.0, 1.5, 2.0], 2.0, 2.0), ([1.0, 1.5, 2.0], 5.0, 0.5)],
)
def test_frame_rate_falls_while_no_frame_comes(stamps: list[float], now_s: float, fps: float) -> None:
    assert frame_rate(stamps, now_s=now_s) == pytest.approx(fps)


@pytest.mark.parametrize(
    ("before", "now_s", "due"),
    [
        (None, 0.0, True),
        (FaultReport(FrameFault.BLACK, 0.0), 0.1, True),
        (FaultReport(FrameFault.FROZEN, 0.0), 9.9, False),
        (FaultReport(FrameFault.FROZEN, 0.0), 10.0, True),
    ],
)
def test_a_lasting_fault_is_written_down_every_10_s(
    before: FaultReport | None, now_s: float, due: bool
) -> None:
    assert is_due(FrameFault.FROZEN, before, now_s=now_s) is due
