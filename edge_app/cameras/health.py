"""When a frame must not be trusted: frozen, black, white. Numbers in, verdict out.

Source: edge_reliability.md section 4.
"""

from dataclasses import dataclass
from typing import Optional

from edge_app.cameras.facts import FrameFacts
from edge_app.services.camera import FrameFault

FROZEN_FRAMES = 5
BLACK_BELOW, WHITE_ABOVE = 16.0, 240.0


@dataclass(frozen=True)
class Repetition:
    """How often the same picture came in a row: since when, and how many."""

    fingerprint: int
    since_s: float
    num_frames: int


def repetition(before: Optional[Repetition], facts: FrameFacts) -> Repetition:
    """Return the run of identical frames that ends with this one."""
    if before is None or before.fingerprint != facts.fingerprint:
        return Repetition(facts.fingerprint, facts.captured_s, 1)
    return Repetition(before.fingerprint, before.since_s, before.num_frames + 1)


def fault_of(facts: FrameFacts, run: Repetition, *, frozen_s: Optional[float]) -> Optional[FrameFault]:
    """Say what is wrong with a frame that ends the run of identical frames `run`.

    Args:
        frozen_s: A run of at least this long, and of at least 5 frames, is frozen; None: never.
    """
    if facts.lightest < BLACK_BELOW:
        return FrameFault.BLACK
    if facts.darkest > WHITE_ABOVE:
        return FrameFault.WHITE
    if frozen_s is None or run.num_frames < FROZEN_FRAMES:
        return None
    return FrameFault.FROZEN if facts.captured_s - run.since_s >= frozen_s else None
