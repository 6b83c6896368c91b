"""Moves a reject gate: one thread gives each part its pulse at the right time, or says that it could not.

A pulse is never kept for later: when the PLC is away, another part would be at the gate. It is counted as
missed, logged and shown in the status; the heartbeat stands still meanwhile, which tells the PLC to stop.
"""

import logging
import threading
import time
from typing import Optional

from typing_extensions import Protocol

from edge_app.outbox.modbus import PlcError
from edge_app.outbox.pulses import PulsePlan, pulse_of, wants_pulse
from edge_app.outbox.settings import GateSettings
from edge_app.outbox.status import DestinationStatus
from edge_app.services.result import Result

logger = logging.getLogger(__name__)

MAX_AHEAD = 10_000
RETRY_DUE_S = 0.02
PROBE_S = 1.0  # how often the coil's state is written though it did not change: is the PLC still there?


class Coils(Protocol):
    """What a gate needs of a PLC."""

    def write(self, coil: int, on: bool) -> None:
        """Set a coil; PlcError when that was not confirmed."""

    def close(self) -> None:
        """Disconnect."""


class Gate:
    """One coil. `on_result` returns at once; the rest happens on the gate's own thread."""

    def __init__(self, settings: GateSettings, plc: Coils) -> None:
        self.settings = settings
        self.num_missed = 0
        self.num_pulses = 0
        self.last_error = ""
        self._plc = plc
        self._plan = PulsePlan()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._coil: Optional[bool] = None  # None: not known, so it is written as soon as the PLC is there
        self._connected: Optional[bool] = None
        self._heart = False
        self._next_probe_s = 0.0
        self._next_beat_s = 0.0
        self._wait_s = 0.0  # before the next attempt, while the PLC is away
        self._next_try_s = 0.0  # the same for a pulse that is due: it cannot wait that long
        self._thread = threading.Thread(target=self._run, name=f"gate-{settings.name}", daemon=True)

    @property
    def connected(self) -> Optional[bool]:
        """Whether the PLC answered the last write; None before the first."""
        return self._connected

    @property
    def num_ahead(self) -> int:
        """How many pulses have not begun."""
        return self._plan.num_ahead

    def start(self) -> None:
        """Begin: the coil is switched off first, whatever it was."""
        self._thread.start()

    def on_result(self, result: Result) -> None:
        """Plan the pulse of a result, if it gets one."""
        if self.settings.sources and result.origin.source not in self.settings.sources:
            return
        if not wants_pulse(result.outcome, self.settings):
            return
        pulse = pulse_of(result, self.settings, now_s=time.monotonic())
        with self._changed:
            if self._plan.num_ahead >= MAX_AHEAD:
                self.num_missed += 1
                return
            self._plan.add(pulse)
            self._changed.notify()

    def status(self) -> DestinationStatus:
        """Return pulses ahead and missed, and whether the PLC answers."""
        return DestinationStatus(
            name=self.settings.name,
            kind=self.settings.kind,
            waiting=self.num_ahead,
            dropped=self.num_missed,
            last_error=self.last_error,
            connected=self._connected,
        )

    def close(self) -> None:
        """Stop, and leave the coil off where the PLC can be reached. Pulses ahead are given up."""
        self._stop.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(self.settings.timeout_s * 4 + 1)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._move()
            now_s = time.monotonic()
            with self._changed:
                change_s = self._plan.next_change_s(now_s)
                next_s = min(self._next_probe_s, self._next_beat_s)
                if change_s is not None:
                    next_s = min(next_s, max(change_s, self._next_try_s))
                if not self._stop.is_set() and next_s > now_s:
                    self._changed.wait(next_s - now_s)
        if self._coil is not False:
            self._write(self.settings.coil, False)
        self._plc.close()

    def _move(self) -> None:
        """Bring the coil and the heartbeat to where they have to be now."""
        now_s = time.monotonic()
        with self._changed:
            num_missed = self._plan.miss(now_s)
            is_due, want = self._plan.is_due(now_s), self._plan.is_on(now_s)
        self._count_missed(num_missed)
        may_write = self._connected or now_s >= (self._next_try_s if is_due else self._next_probe_s)
        if (want != self._coil and may_write) or now_s >= self._next_probe_s:
            self._set(want)
        elif want and self._coil:  # on already, for the pulse before
            self._begin()
        if self.settings.heartbeat_coil is None:
            self._next_beat_s = now_s + PROBE_S
        elif now_s >= self._next_beat_s:
            self._next_beat_s = now_s + self.settings.heartbeat_ms / 1000
            if self._connected:
                self._heart = not self._heart
                self._write(self.settings.heartbeat_coil, self._heart)

    def _set(self, on: bool) -> None:
        if self._write(self.settings.coil, on):
            self._coil = on
            if on:
                self._begin()

    def _begin(self) -> None:
        with self._changed:
            self.num_pulses += self._plan.began(time.monotonic())

    def _write(self, coil: int, on: bool) -> bool:
        """Write a coil and keep the books: when to try next, what is known, what went wrong."""
        try:
            self._plc.write(coil, on)
        except PlcError as error:
            if str(error) != self.last_error:
                logger.error("gate %s: %s", self.settings.name, error)
            self.last_error = str(error)
            self._connected, self._coil = False, None
            self._wait_s = min(self.settings.max_backoff_s, max(0.1, self._wait_s * 2))
            self._next_probe_s = time.monotonic() + self._wait_s
            self._next_try_s = time.monotonic() + RETRY_DUE_S
            return False
        self.last_error, self._connected, self._wait_s = "", True, 0.0
        self._next_probe_s = time.monotonic() + PROBE_S
        self._next_try_s = 0.0
        return True

    def _count_missed(self, num_missed: int) -> None:
        if num_missed:
            with self._changed:
                self.num_missed += num_missed
            logger.error(
                "gate %s: %d parts got no pulse: %s", self.settings.name, num_missed, self.last_error
            )
