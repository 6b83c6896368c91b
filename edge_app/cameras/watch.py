"""When a camera's process has been silent for too long, when to try again, how fast frames come.

Source: edge_reliability.md section 4. All times are seconds of the monotonic clock.
"""

from enum import Enum
from random import Random
from typing import Optional, Sequence

SPAWN_S = 20.0  # a new interpreter that imports numpy and OpenCV; 2 s on a Nano, more when it is busy
ANSWER_S = 0.5  # for the process to say itself why it could not open the camera
STEADY_S = 10.0
LONGEST_PAUSE_S = 30.0
FRAMES_MISSED = 5


class Phase(str, Enum):
    """How far a camera's process has come."""

    SPAWNED = "starting its process"
    OPENING = "opening it"
    OPENED = "waiting for its first frame"
    RUNNING = "waiting for its next frame"


def allowed_silence_s(phase: Phase, *, timeout_s: float, fps: Optional[float]) -> float:
    """Return how long the process may say nothing in this phase."""
    if phase is Phase.SPAWNED:
        return SPAWN_S
    if phase is Phase.OPENING:
        return timeout_s + ANSWER_S
    return max(timeout_s, FRAMES_MISSED / fps if fps else 0.0)


def failures_after(num_failures: int, *, ran_s: float) -> int:
    """Return how many attempts in a row have now failed, when one ended that gave frames for `ran_s`."""
    return 1 if ran_s >= STEADY_S else num_failures + 1


def pause_s(num_failures: int, rng: Random) -> float:
    """Return how long to wait before the next attempt: 1, 2, 4 ... 30 s, each a quarter more or less."""
    planned = min(LONGEST_PAUSE_S, 2.0 ** min(num_failures - 1, 10))
    return min(LONGEST_PAUSE_S, max(1.0, planned * rng.uniform(0.75, 1.25)))


def frame_rate(stamps_s: Sequence[float], *, now_s: float) -> float:
    """Return frames a second over the last stamps, oldest first; falls towards 0 while no frame comes."""
    if len(stamps_s) < 2:
        return 0.0
    return (len(stamps_s) - 1) / max(stamps_s[-1] - stamps_s[0], now_s - stamps_s[0], 1e-6)
