"""When a gate's coil is on: numbers in, decision out. Times are seconds of the monotonic clock."""

from dataclasses import dataclass
from typing import List, Optional

from edge_app.outbox.settings import GateSettings
from edge_app.services.result import Outcome, Result


@dataclass(frozen=True)
class Pulse:
    """The coil is on for `length_s` from `start_s`; not begun by `latest_s`, the pulse is missed."""

    start_s: float
    latest_s: float
    length_s: float


def wants_pulse(outcome: Outcome, settings: GateSettings) -> bool:
    """Say whether an outcome moves the coil: rejected parts do, or with `accept` all the others."""
    return (outcome in settings.reject) == (settings.signal == "reject")


def age_s(result: Result, *, now_s: float) -> float:
    """Return how long ago the picture was taken, or for one without a known age, its photo came in."""
    since_s = 0.0 if result.created_s is None else now_s - result.created_s  # inference and storing are in it
    return since_s + (result.origin.frame_age_ms or 0.0) / 1000


def pulse_of(result: Result, settings: GateSettings, *, now_s: float) -> Pulse:
    """Return the pulse of a result that is handed over at `now_s`."""
    start_s = now_s - age_s(result, now_s=now_s) + settings.delay_ms / 1000
    if settings.delay_ms == 0:  # as soon as possible: lateness begins when the result is known
        start_s = now_s
    return Pulse(start_s, start_s + settings.max_late_ms / 1000, settings.pulse_ms / 1000)


class PulsePlan:
    """The pulses ahead and those that are on. Knows no clock and no coil: it is told both."""

    def __init__(self) -> None:
        self._ahead: List[Pulse] = []
        self._ends_s: List[float] = []

    @property
    def num_ahead(self) -> int:
        """How many pulses have not begun."""
        return len(self._ahead)

    def add(self, pulse: Pulse) -> None:
        """Take a pulse into the plan."""
        self._ahead.append(pulse)

    def miss(self, now_s: float) -> int:
        """Give up the pulses that are too late to begin; return how many."""
        kept = [pulse for pulse in self._ahead if now_s <= pulse.latest_s]
        num_missed = len(self._ahead) - len(kept)
        self._ahead = kept
        return num_missed

    def is_due(self, now_s: float) -> bool:
        """Say whether a pulse has to begin now."""
        return any(pulse.start_s <= now_s for pulse in self._ahead)

    def is_on(self, now_s: float) -> bool:
        """Say whether the coil has to be on: a pulse is due or not over. Pulses that overlap are one."""
        return self.is_due(now_s) or any(now_s < end_s for end_s in self._ends_s)

    def began(self, now_s: float) -> int:
        """The coil is on since `now_s`: what is due has begun, each of its full length. Return how many."""
        due = [pulse for pulse in self._ahead if pulse.start_s <= now_s]
        self._ahead = [pulse for pulse in self._ahead if pulse.start_s > now_s]
        self._ends_s = [end_s for end_s in self._ends_s if end_s > now_s]
        self._ends_s.extend(now_s + pulse.length_s for pulse in due)
        return len(due)

    def next_change_s(self, now_s: float) -> Optional[float]:
        """Return when the coil has to change next, or None when nothing is planned."""
        times_s = [pulse.start_s for pulse in self._ahead] + [end for end in self._ends_s if end > now_s]
        return min(times_s) if times_s else None
